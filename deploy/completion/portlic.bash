# SPDX-License-Identifier: MIT
# Completion of portlic for bash. Made by `make completion` from the table of commands.
_portlic() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local words='' said='' i
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-o | --socket | --output) ((i++)) ;;
		-*) ;;
		*) said+=${said:+ }${COMP_WORDS[i]} ;;
		esac
	done
	case $prev in
	-o | --output) words='table json' ;;
	--alg) words='EdDSA Ed25519' ;;
	--mode) words='enforce audit off policy' ;;
	--shield) words='off on auto' ;;
	--verdict) words='denied audit' ;;
	--origin) words='same-container sibling runtime node probe pod external unknown' ;;
	esac
	if [[ -z $words && $cur == -* ]]; then
		case $said in
		'status'*) words='' ;;
		'check'*) words=' --gate' ;;
		'rehearse'*) words=' --gate --for --at --without --with --all --enforce' ;;
		'explain'*) words=' --at --from --origin' ;;
		'observe'*) words=' --gate --follow --verdict --port --since' ;;
		'cleanup'*) words=' --config --state --force --cni-bin --cni-conf' ;;
		'clock reset'*) words='' ;;
		'license keygen'*) words=' --iss --kid --out' ;;
		'license sign'*) words=' --key --alg --revocation-list' ;;
		'license verify'*) words=' --trust --audience --now --revocations --bind' ;;
		'license show'*) words='' ;;
		'license load'*) words=' --confirm' ;;
		'license unload'*) words='' ;;
		'license list'*) words='' ;;
		'gate add'*) words=' --netns --cgroup --pid --policy' ;;
		'gate set'*) words=' --mode --shield --for --why' ;;
		'gate del'*) words='' ;;
		'gate list'*) words='' ;;
		'policy check'*) words=' --trust' ;;
		'policy diff'*) words='' ;;
		'policy apply'*) words=' --confirm' ;;
		'policy confirm'*) words='' ;;
		'policy rollback'*) words='' ;;
		'policy list'*) words='' ;;
		'policy del'*) words='' ;;
		'port list'*) words='' ;;
		'port show'*) words='' ;;
		esac
		words+=' --socket --output --help --version'
	elif [[ -z $words ]]; then
		case $said in
		'')
			words='status check rehearse explain observe cleanup clock license gate policy port' ;;
		clock)
			words='reset' ;;
		license)
			words='keygen sign verify show load unload list' ;;
		gate)
			words='add set del list' ;;
		policy)
			words='check diff apply confirm rollback list del' ;;
		port)
			words='list show' ;;
		esac
	fi
	# shellcheck disable=SC2207 # no word of ours holds white space
	COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _portlic portlic
