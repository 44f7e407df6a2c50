/*
 * Links of the gateway's own, under http.public_url: what is in one is signed with the store's secret, so
 * that whoever has it can do what it is for and nobody can make another one. Three kinds:
 *
 *   /m/…  a stored media                          (http.link_life)
 *   /c/…  a choice of a message, by its place     (LINK_CHOICE_DAYS)
 *   /u/…  the end of promotional messages         (LINK_UNSUBSCRIBE_DAYS)
 *
 * [core]
 */
#ifndef SERVICES_LINKS_H
#define SERVICES_LINKS_H

#include "services/gateway.h"

enum link_kind { LINK_MEDIA = 'm', LINK_CHOICE = 'c', LINK_UNSUBSCRIBE = 'u' };
/* A question is answered while its matter is warm; who finds an old advertisement in the mailbox must
 * still be able to end them (CAN-SPAM asks for 30 days). From the message's acceptance on. */
enum { LINK_CHOICE_DAYS = 90, LINK_UNSUBSCRIBE_DAYS = 1826 };

struct link {
    struct hilo_id id; /* of the media or message */
    uint32_t choice;   /* LINK_CHOICE: its place, from 0 to 65535 */
    int64_t until_us;  /* wall; kept in seconds */
};

/* The link, in the arena. http.public_url must be set. */
struct hilo_str link_make(const struct gateway *, enum link_kind, const struct link *, struct arena *);
/* What a token (the link's last part) says. Faults: unknown_link (404), also for one of another kind;
 * link_expired (410), and *out is filled. Takes as long for any wrong token of this length. */
int link_read(const struct gateway *, enum link_kind, struct hilo_str token, int64_t now_us, struct link *out,
              struct fault *);
/* When a link about a message ends: so long after its id was made. */
int64_t link_message_until(struct hilo_id message, int64_t days);

#endif
