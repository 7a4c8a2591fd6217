/* SPDX-License-Identifier: MIT */
/* borrow_priv.h - what borrow.c and borrow_wish.c share. */
#ifndef PORTLIC_BORROW_PRIV_H
#define PORTLIC_BORROW_PRIV_H

#include "borrow.h"

/* How much of the port this node ought to have, by what it knows of the pool. */
uint32_t borrow_target(const struct borrow *b, const struct borrow_port *port, uint64_t now_ns);
/* ... it would have more if the pool had it, or has to have less and isn't there yet. */
bool borrow_unsettled(const struct borrow *b, const struct borrow_port *port, uint64_t now_ns);
/* Clients come, or stand there. */
bool borrow_asked_for(const struct borrow_port *port, uint64_t now_ns);

/* The pool in memory may still be what a write would replace. */
bool borrow_is_fresh(const struct borrow *b, uint64_t now_ns);

/* The port, which is put there with nothing if need be. NULL: no memory. */
struct borrow_port *borrow_add_port(struct borrow *b, uint8_t proto, uint16_t port);

#endif
