/* What goes wrong in a day. */
#include "day.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void fault(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void fault(struct world *w, const char *format, ...)
{
    char json[512], why[200];
    va_list ap;
    cJSON *ask;

    va_start(ap, format);
    (void)vsnprintf(json, sizeof json, format, ap);
    va_end(ap);
    ask = cJSON_Parse(json);
    if (!faults_apply(&w->peer.smsc, ask, why))
        fail_msg("%s: %s", json, why);
    cJSON_Delete(ask);
}

static void smsc_restart(struct world *w)
{
    peer_hang_up(&w->peer, chance(w, 2) ? END_CLOSE : END_RESET);
    peer_listen(&w->peer, false);
    run_until(w, w->host.now_us + about(w, MINUTE));
    peer_listen(&w->peer, true);
}

static void deaf_for_a_while(struct world *w)
{
    for (struct session *n = w->peer.smsc.sessions; n; n = n->next)
        n->deaf = true;
    run_until(w, w->host.now_us + about(w, 2 * MINUTE));
    for (struct session *n = w->peer.smsc.sessions; n; n = n->next)
        n->deaf = false;
}

void receipts_change(struct world *w)
{
    static const char *const variants[] = {"standard", "seconds", "capitals",    "title",  "nosub",
                                           "order",    "spaces",  "underscores", "tricky", "minimal"};
    static const enum id_format ids[] = {ID_SAME, ID_DEC, ID_HEX, ID_HEX_UPPER, ID_DEC_ZEROS, ID_HEX_ZEROS};
    struct receipts *r = &w->peer.smsc.conf.receipts;

    (void)snprintf(r->variant, sizeof r->variant, "%s", variants[chance(w, 10)]);
    r->id = ids[chance(w, 6)];
    r->form = (enum form)chance(w, 3);
    r->delay_ms = chance(w, 3) ? (int64_t)chance(w, 10000) : (int64_t)chance(w, 3600000);
    r->before_response = chance(w, 5) == 0;
    (void)snprintf(r->states[0], sizeof r->states[0], "%s",
                   chance(w, 5)   ? "DELIVRD"
                   : chance(w, 2) ? "UNDELIV"
                                  : "EXPIRED");
}

void something_goes_wrong(struct world *w)
{
    static const char *const cuts[] = {"drop", "reset", "drop_before", "drop_after"};
    static const char *const broken[] = {"garbage", "overlong", "short", "wrong_seq", "twice"};
    static const unsigned slow[] = {0x58, 0x14, 0x58, 8};
    static const unsigned never[] = {0x0b, 0x45, 0x43, 0x0a};

    switch (chance(w, 16)) {
    case 0:
    case 1:
        w->cuts++;
        fault(w, "{\"faults\":[{\"do\":\"%s\",\"skip\":%u}]}", cuts[chance(w, 4)], (unsigned)chance(w, 20));
        break;
    case 2:
        w->cuts++;
        peer_hang_up(&w->peer, chance(w, 2) ? END_CLOSE : END_RESET);
        break;
    case 3:
        w->restarts++;
        smsc_restart(w);
        break;
    case 4:
    case 5:
        w->throttles++;
        fault(w, "{\"faults\":[{\"do\":\"status\",\"status\":%u,\"count\":%u}]}", slow[chance(w, 4)],
              1 + (unsigned)chance(w, 30));
        break;
    case 6:
        w->refusals++;
        fault(w, "{\"faults\":[{\"do\":\"status\",\"status\":%u,\"count\":%u,\"skip\":%u}]}",
              never[chance(w, 4)], 1 + (unsigned)chance(w, 4), (unsigned)chance(w, 8));
        break;
    case 7:
        w->silences++;
        fault(w, "{\"faults\":[{\"do\":\"silent\",\"count\":%u}]}", 1 + (unsigned)chance(w, 4));
        break;
    case 8:
        w->silences++;
        fault(w, "{\"faults\":[{\"do\":\"delay\",\"ms\":%u,\"count\":%u}]}", 1 + (unsigned)chance(w, 50000),
              1 + (unsigned)chance(w, 40));
        break;
    case 9:
        w->garbage++;
        fault(w, "{\"faults\":[{\"do\":\"%s\",\"skip\":%u}]}", broken[chance(w, 5)], (unsigned)chance(w, 10));
        break;
    case 10:
        restart_gently(w);
        break;
    case 11:
        w->kills++;
        plugin_close(w);
        plugin_open(w);
        break;
    case 12:
        w->cuts++;
        deaf_for_a_while(w);
        break;
    case 13:
        for (struct session *n = w->peer.smsc.sessions; n; n = n->next)
            session_request(n, UNBIND, "", 0);
        w->cuts++;
        break;
    case 14:
        w->full_until = w->host.now_us + about(w, 10 * SECOND);
        break;
    case 15:
        w->cuts++;
        fault(w, "{\"faults\":[{\"on\":\"deliver_sm_resp\",\"do\":\"drop\",\"skip\":%u}]}",
              (unsigned)chance(w, 4));
        break;
    }
}

void all_is_well(struct world *w)
{
    fault(w, "{\"faults\":[]}");
}
