/* Messages that were in flight at deaths of their plugin (quarantine.h). */
#include "services/quarantine.h"
#include "base/check.h"
#include <stdlib.h>
#include <uthash.h>

struct suspect {
    struct hilo_id id;
    unsigned deaths;
    UT_hash_handle hh;
};

struct quarantine {
    struct suspect *all; /* in the order of their first death */
};

struct quarantine *quarantine_new(void)
{
    struct quarantine *q = calloc(1, sizeof *q);

    if (!q)
        check_nomem();
    return q;
}

static void suspect_free(struct quarantine *q, struct suspect *s)
{
    HASH_DEL(q->all, s);
    free(s);
}

void quarantine_free(struct quarantine **qp)
{
    struct quarantine *q = *qp;

    if (!q)
        return;
    while (q->all)
        suspect_free(q, q->all);
    free(q);
    *qp = NULL;
}

unsigned quarantine_death(struct quarantine *q, struct hilo_id id)
{
    struct suspect *s;

    HASH_FIND(hh, q->all, &id, sizeof id, s);
    if (!s) {
        if (HASH_COUNT(q->all) >= QUARANTINE_MAX)
            suspect_free(q, q->all);
        s = calloc(1, sizeof *s);
        if (!s)
            check_nomem();
        s->id = id;
        HASH_ADD(hh, q->all, id, sizeof s->id, s);
    }
    return ++s->deaths;
}

void quarantine_forget(struct quarantine *q, struct hilo_id id)
{
    struct suspect *s;

    HASH_FIND(hh, q->all, &id, sizeof id, s);
    if (s)
        suspect_free(q, s);
}
