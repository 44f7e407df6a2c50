/* From the configuration's sections consent to what holds for a channel. */
#ifndef RULES_H
#define RULES_H

#include "assemble.h"
#include "services/consent_words.h"

/* The gateway's, with the channel's before them. In the assembly's arena. */
const struct consent_rules *rules_make(struct arena *, const struct settings_consent *gateway,
                                       const struct settings_consent *channel);
/* Words that are none, as signs alone, are faults of the configuration. */
void rules_check(struct conf *, const struct settings_consent *, const char *where);

#endif
