#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# The container image by hand: the same bytes each time, well-formed, small, and its programs run with what is in it alone.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need strip ldd

programs=("$BUILD/portlicd" "$BUILD/portlic" "$BUILD/portlic-cni" /usr/bin/sleep "$T/bundle=/usr/lib/portlic/cni")
mkdir -p "$T/bundle"
cp "$BUILD/portlic-cni" /usr/lib/*/libcjson.so.1 "$T/bundle/"
[ "${BUILD##*/}" != san ] || skip_all "sanitized programs aren't shipped"
build() { deploy/image/build "$T/$1.tar" localhost/portlic:test "${programs[@]}"; }
check "the image is built" build a
build b > "$T/out"
check "twice the same bytes" cmp "$T/a.tar" "$T/b.tar"
SOURCE_DATE_EPOCH=1000000000 build c > "$T/out"
is "SOURCE_DATE_EPOCH is its time" "$(tar tvf "$T/c.tar" --utc | awk '{ print $4 }' | sort -u)" 2001-09-09
between "MiB" "$(du -m "$T/a.tar" | cut -f1)" 5 40

mkdir "$T/archive" "$T/root"
tar xf "$T/a.tar" -C "$T/archive"
layer=$(json 'd[0]["Layers"][0]' < "$T/archive/manifest.json")
config=$(json 'd[0]["Config"]' < "$T/archive/manifest.json")
is "the layer's digest is the one it has" "sha256:$(sha256sum < "$T/archive/$layer" | cut -d' ' -f1)" \
	"$(json 'd["rootfs"]["diff_ids"][0]' < "$T/archive/$config")"
is "the configuration's too" "$(sha256sum < "$T/archive/$config" | cut -d' ' -f1).json" "$config"
is "its name" "$(json 'd[0]["RepoTags"][0]' < "$T/archive/manifest.json")" localhost/portlic:test
is "all of it is root's" "$(tar tvf "$T/archive/$layer" --numeric-owner | awk '$2 != "0/0"')" ""
is "nothing is setuid or writable by others, but /tmp" \
	"$(tar tvf "$T/archive/$layer" | awk '$1 !~ /^l/ && ($1 ~ /s/ || $1 ~ /.......[-rwxs]w/) { print $6 }')" tmp/
is "the tar is sorted" "$(tar tf "$T/archive/$layer" | grep / | sed 's,/$,,' | LC_ALL=C sort -c 2>&1)" ""
tar xf "$T/archive/$layer" -C "$T/root"
for p in portlicd portlic portlic-cni; do
	has "$p runs with what is in it" "$(chroot "$T/root" /usr/bin/$p --version 2>&1)" "$p "
done
check "what is in it twice is one file" test "$T/root/usr/lib/portlic/cni/libcjson.so.1" -ef "$(echo "$T"/root/usr/lib/*/libcjson.so.1)"
check "sleep too, for the pods that uninstall" chroot "$T/root" /usr/bin/sleep 0
