/* What session.c, submit.c and answer.c share. */
#ifndef SIM_SMSC_SESSION_H
#define SIM_SMSC_SESSION_H

#include "smsc.h"

/* The rule that this request meets, if any; it counts. */
const struct rule *rule_for(struct smsc *, uint32_t command, const char *to);
bool rule_refuses(const struct rule *);
bool is_bind(uint32_t command);

/* The answer to a request, as the rule (NULL: none) has it. bytes is taken over; m: the message that it
 * answers. */
void answer(struct smsc *, struct session *, uint32_t seq, struct sbuf bytes, struct submit *m,
            const struct rule *);
void answer_bare(struct smsc *, struct session *, uint32_t id, uint32_t status, uint32_t seq,
                 const struct rule *);
void nack(struct smsc *, struct session *, uint32_t status, uint32_t seq);
void response_write(struct session *, struct response *); /* now */
void response_free(struct response *);
struct due due_take(struct smsc *);

void on_submit(struct smsc *, struct session *, const struct head *, const uint8_t *p, size_t len);
void on_query(struct smsc *, struct session *, const struct head *, const uint8_t *p, size_t len);
void on_cancel(struct smsc *, struct session *, const struct head *, const uint8_t *p, size_t len);

#endif
