/* SPDX-License-Identifier: MIT */
/* pod_cgroup.c - the pod and the container that the path of a cgroup names (declared in pod.h). */
#include "pod.h"

#include <ctype.h>
#include <string.h>

#define ID_CHARS 64
#define UUID_CHARS 36
#define HASH_CHARS 32 /* of a static pod */

/* One component of a path. */
struct name {
	const char *text;
	size_t len;
};

static struct name next(const char *at)
{
	at += strspn(at, "/");
	return (struct name){at, strcspn(at, "/")};
}

static bool cut_front(struct name *name, const char *front)
{
	size_t len = strlen(front);

	if (name->len < len || memcmp(name->text, front, len))
		return false;
	name->text += len;
	name->len -= len;
	return true;
}

static bool cut_back(struct name *name, const char *back)
{
	size_t len = strlen(back);

	if (name->len < len || memcmp(name->text + name->len - len, back, len))
		return false;
	name->len -= len;
	return true;
}

static bool all_hex(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isxdigit((unsigned char)text[i]))
			return false;
	return true;
}

/* systemd takes a dash for a level of slices, so in its names the UID has underscores. */
static bool read_uid(struct name name, char dash, char out[POD_UID_MAX + 1])
{
	static const size_t groups[] = {8, 4, 4, 4, 12};
	size_t at = 0;

	if (name.len != UUID_CHARS && name.len != HASH_CHARS)
		return false;
	for (size_t i = 0; name.len == UUID_CHARS && i < 5; at += groups[i++] + 1)
		if (!all_hex(name.text + at, groups[i]) ||
		    (i < 4 && name.text[at + groups[i]] != dash))
			return false;
	if (name.len == HASH_CHARS && !all_hex(name.text, HASH_CHARS))
		return false;
	for (size_t i = 0; i < name.len; i++)
		out[i] = name.text[i] == dash ? '-' : name.text[i];
	out[name.len] = '\0';
	return true;
}

/* "kubepods.slice", below a root of the kubelet's own "kubelet-kubepods.slice". */
static bool is_root(struct name name)
{
	if (!cut_back(&name, ".slice"))
		return name.len == strlen("kubepods") && cut_front(&name, "kubepods");
	return cut_back(&name, "kubepods") && (!name.len || cut_back(&name, "-"));
}

/* "pod<uid>", or "kubepods-besteffort-pod<uid>.slice" with anything in front of its "-pod". */
static bool read_pod(struct name name, char out[POD_UID_MAX + 1])
{
	if (!cut_back(&name, ".slice"))
		return cut_front(&name, "pod") && read_uid(name, '-', out);
	for (; name.len; name.text++, name.len--) {
		struct name uid = name;

		if (cut_front(&uid, "-pod") && read_uid(uid, '_', out))
			return true;
	}
	return false;
}

/* "<id>", "crio-<id>", "cri-containerd-<id>.scope": the id is the end. Not what watches over a container. */
static bool read_container(struct name name, char out[ID_CHARS + 1])
{
	cut_back(&name, ".scope");
	if (name.len < ID_CHARS || !all_hex(name.text + name.len - ID_CHARS, ID_CHARS))
		return false;
	memcpy(out, name.text + name.len - ID_CHARS, ID_CHARS);
	out[ID_CHARS] = '\0';
	name.len -= ID_CHARS;
	return !name.len || (cut_back(&name, "-") && !cut_back(&name, "conmon"));
}

bool pod_cgroup_parse(const char *path, struct pod_cgroup *out)
{
	struct pod_cgroup found = {.pod_len = 0};
	bool below = false;

	for (struct name name = next(path); name.len; name = next(name.text + name.len)) {
		if (!below) {
			below = is_root(name);
		} else if (!found.pod_len) {
			if (read_pod(name, found.uid))
				found.pod_len = (size_t)(name.text - path) + name.len;
		} else {
			if (!read_container(name, found.container))
				found.container[0] = '\0';
			break; /* what a container has below itself is its own affair */
		}
	}
	if (!found.pod_len)
		return false;
	*out = found;
	return true;
}
