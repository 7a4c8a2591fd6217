#ifndef __VMLINUX_H__
#define __VMLINUX_H__
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
struct ns_common {
	unsigned int inum;
};
struct net {
	struct ns_common ns;
};
typedef struct {
	struct net *net;
} possible_net_t;
struct sock_common {
	unsigned short skc_num;
	possible_net_t skc_net;
};
struct sock {
	struct sock_common __sk_common;
	unsigned short sk_protocol;
};
#pragma clang attribute pop
#endif
