/*
 * What an operator may say of this channel, and what is wrong with it. Pure. [any]
 */
#ifndef POS_OPTIONS_H
#define POS_OPTIONS_H

#include "pos.h"

enum { POS_OPTIONS = 24 };
extern const struct hilo_option pos_options[POS_OPTIONS];
extern const struct hilo_abilities pos_abilities;

/* Words that begin with an option's name; NULL: nothing. */
const char *pos_options_wrong(const struct pos_conf *);
const char *pos_options_check(const void *conf, struct hilo_abilities *able);
void pos_options_identity(const struct pos_conf *, struct pos_identity_conf *out);
void pos_options_limits(const struct pos_conf *, struct pos_limits_conf *out);

#endif
