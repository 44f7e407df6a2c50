/* How records look in JSON, where more than one resource shows them. [core] */
#ifndef API_SHAPES_H
#define API_SHAPES_H

#include "api/reply.h"
#include "model/table.h"
#include "services/cases.h"
#include "services/messages.h"

/* A message whole: what its event holds and where it stands. 0, or -1 and a fault. */
int shape_message(struct request *, struct out *, const char *key, struct hilo_id, const struct rec_message *,
                  struct hilo_str bytes, struct fault *);
/* What a counter needs of it, as an element: no history, addresses or provider's ids. 0, or -1 and a fault.
 */
int shape_entry(struct request *, struct out *, struct hilo_id, const struct rec_message *,
                struct hilo_str bytes, struct fault *);
/* A group's JSON object; inside: without its braces, after what is there. 0, or -1 and a
 * fault. */
int shape_group(struct out *, const char *key, enum model_group, struct hilo_str bytes, bool inside,
                struct fault *);
void shape_case(struct out *, const char *key, struct hilo_id, const struct rec_case *);
void shape_customer(struct out *, const char *key, struct hilo_id, const struct rec_customer *,
                    const struct customer_ident *, unsigned n);
/* What is known of a customer's consent, as an element. 0, or -1 and a fault. */
int shape_consent(struct out *, const struct consent_entry *, struct fault *);
void shape_identifier(struct out *, const struct identifier *, const struct rec_identifier *);
/* "scopes": the words of a text. */
void shape_scopes(struct out *, struct hilo_str text);
/* "next": the cursor, or null at the end. */
void shape_next(struct request *, struct out *, char kind, struct hilo_str bytes);
/* cursor= of the query: *out empty if absent. */
int shape_cursor(struct request *, char kind, struct hilo_str *out, struct fault *);

#endif
