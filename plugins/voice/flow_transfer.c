/*
 * Other people. The gateway says who she is before their phone rings (call.offered is on disk then). Blind:
 * REFER, and how it goes on is told us by NOTIFY. Attended: she waits, the agent is called, and REFER with
 * Replaces joins the two. When nobody takes her she is back in the menu. SPDX-License-Identifier: Apache-2.0
 */
#include "flow_int.h"

#include <stdio.h>

enum { TRANSFER_LATE_US = 5000000 /* beyond the ringing, until NOTIFY must have come */ };

/* ---- the end of it ------------------------------------------------------------------------------ */

static void transfer_agent_leave(struct flow_call *fc, const char *reason)
{
    struct voice_call *agent = fc->agent;

    fc->agent = NULL;
    if (!agent)
        return;
    agent->of_side = NULL;
    voice_call_hangup(agent, reason);
}

static void transfer_back(struct flow_call *fc)
{
    uint32_t to = fc->transfer_busy && fc->step->busy != MENU_NONE ? fc->step->busy : fc->step->no_answer;

    flow_go(fc, to);
}

static void transfer_failed(struct flow_call *fc, uint32_t status)
{
    flow_then *then = fc->transfer_failed ? fc->transfer_failed : transfer_back;
    bool no_answer = status == 0 || status == 408 || status == 480 || status == 487;
    struct talk_ask ask = {.flags = TALK_NO_AHEAD};
    struct script s;

    voice_timer_cancel(flow_voice(fc), &fc->timer);
    fc->referring = false;
    fc->transfer_busy = status == 486 || status == 600 || status == 603;
    fc->transfer_failed = NULL;
    transfer_agent_leave(fc, "not transferred");
    voice_call_hold(fc->call, false);
    voice_log(flow_voice(fc), HILO_LOG_WARN,
              "voice.transfer call=%s status=%u: the caller is back in the menu", ledger_id(fc->call->ledger),
              status);
    flow_script(fc, &s);
    script_prompt(&s,
                  fc->transfer_busy ? PROMPT_TRANSFER_BUSY
                  : no_answer       ? PROMPT_TRANSFER_NO_ANSWER
                                    : PROMPT_TRANSFER_FAILED,
                  NULL, 0);
    flow_talk(fc, &s, &ask, then);
}

static void transfer_tell(struct flow_call *fc)
{
    const struct ledger_change change = {.status = "transferred", .to = fc->target, .duration_us = -1};

    fc->call->transferred = true;
    flow_tell(fc, &change);
}

static void transfer_done(struct flow_call *fc)
{
    voice_timer_cancel(flow_voice(fc), &fc->timer);
    fc->referring = false;
    fc->leaving = true;
    transfer_tell(fc);
    transfer_agent_leave(fc, "transferred");
    voice_call_hangup(fc->call, "transferred");
}

void flow_referred(struct flow_call *fc, uint32_t status)
{
    if (!fc->referring)
        return;
    fc->refer_taken = true;
    if (status >= 200 && status < 300)
        transfer_done(fc);
    else if (status >= 300)
        transfer_failed(fc, status);
}

/* Some end our call as soon as they have taken REFER, and say no more. */
void flow_transfer_left(struct flow_call *fc)
{
    if (fc->referring && fc->refer_taken && !fc->call->transferred)
        transfer_tell(fc);
    transfer_agent_leave(fc, fc->call->transferred ? "transferred" : "the caller has hung up");
}

static void transfer_late(struct flow_call *fc)
{
    transfer_failed(fc, 0);
}

/* ---- the agent ---------------------------------------------------------------------------------- */

static void agent_answered(struct voice_call *agent)
{
    struct flow_call *fc = agent->of_side;

    if (!fc) {
        voice_call_hangup(agent, "the caller has hung up");
        return;
    }
    fc->referring = true;
    voice_call_refer(fc->call, fc->target, agent);
    flow_in(fc, TRANSFER_LATE_US * 2, transfer_late);
}

static void agent_ended(struct voice_call *agent, const struct voice_ending *e)
{
    struct flow_call *fc = agent->of_side;

    if (!fc)
        return;
    fc->agent = NULL;
    if (fc->referring) /* replaced, or she gave up: NOTIFY says which, or our patience */
        return;
    transfer_failed(fc, e->status);
}

static const struct voice_side agent_side = {.answered = agent_answered, .ended = agent_ended};

/* What their screen may show before the gateway's event does, without what a header must not hold. */
static void agent_name(const struct flow_call *fc, char out[FLOW_NAME_MAX])
{
    const char *p = fc->name[0] ? fc->name : fc->call->phone;
    size_t n = 0;

    for (; *p && n + 1 < FLOW_NAME_MAX; p++)
        if ((unsigned char)*p >= 0x20 && *p != 0x7f && *p != '"' && *p != '\\')
            out[n++] = *p;
    out[n] = 0;
}

static void agent_call(struct flow_call *fc)
{
    struct voice *v = flow_voice(fc);
    char headers[160], name[FLOW_NAME_MAX];
    struct ua_invite invite = {.to = fc->target, .ring_us = v->conf.agent_ring_us};

    agent_name(fc, name);
    (void)snprintf(headers, sizeof headers, "X-Hilo-Call: %s\r\n%s%s%s", ledger_id(fc->call->ledger),
                   fc->casus[0] ? "X-Hilo-Case: " : "", fc->casus, fc->casus[0] ? "\r\n" : "");
    invite.from_name = voice_str(name);
    invite.headers = voice_str(headers);
    voice_call_hold(fc->call, true);
    fc->agent = voice_call_dial(v, &agent_side, fc, &invite);
    if (fc->agent)
        flow_in(fc, v->conf.agent_ring_us + TRANSFER_LATE_US, transfer_late);
    else
        transfer_failed(fc, 503);
}

/* ---- to them ------------------------------------------------------------------------------------ */

/* Where there is no sound she waits in silence. */
static void transfer_silence(void *arg, const struct talk_heard *heard)
{
    (void)arg;
    (void)heard;
}

static void transfer_music(struct flow_call *fc)
{
    struct hilo_str music = flow_voice(fc)->conf.hold_music;
    struct talk_ask ask = {.flags = TALK_LOOP};
    struct script s;

    flow_script(fc, &s);
    if (music.n)
        script_file(&s, music);
    else
        script_sound(&s, fc->flow->waiting);
    /* The timer is not music's: whoever waits has its own. */
    ask.piece = s.piece;
    ask.n_pieces = s.n;
    talk_say(&fc->call->talk, &ask, transfer_silence, fc);
    script_done(&s);
}

static void transfer_refer(struct flow_call *fc)
{
    bool attended = fc->step && fc->step->what == MENU_TRANSFER && fc->step->attended_given
                        ? fc->step->attended
                        : flow_voice(fc)->conf.attended;

    transfer_music(fc);
    fc->refer_taken = false;
    if (attended && !fc->trouble) {
        agent_call(fc);
        return;
    }
    fc->referring = true;
    voice_call_refer(fc->call, fc->target, NULL);
    flow_in(fc, flow_voice(fc)->conf.agent_ring_us + TRANSFER_LATE_US, transfer_late);
}

/* The gateway has it on disk; or it does not answer, and she need not wait for that. */
static void transfer_offered(void *arg, bool ok)
{
    struct flow_call *fc = arg;

    (void)ok;
    if (!fc->offering)
        return;
    fc->offering = false;
    if (fc->call->over)
        return;
    voice_timer_cancel(flow_voice(fc), &fc->timer);
    transfer_refer(fc);
}

static void transfer_offered_late(struct flow_call *fc)
{
    transfer_offered(fc, false);
}

static void transfer_go(struct flow_call *fc)
{
    const struct ledger_change change = {.status = "offered", .to = fc->target, .duration_us = -1};

    fc->offering = true;
    flow_in(fc, flow_voice(fc)->conf.gateway_us, transfer_offered_late);
    ledger_tell(fc->call->ledger, &change, transfer_offered, fc);
}

static void transfer_say(struct flow_call *fc, const struct menu_prompt *own)
{
    struct talk_ask ask = {.flags = TALK_NO_AHEAD};
    struct script s;

    flow_script(fc, &s);
    if (own && script_has(own))
        script_menu(&s, own);
    else
        script_prompt(&s, PROMPT_TRANSFER, NULL, 0);
    flow_talk(fc, &s, &ask, transfer_go);
}

void flow_transfer_step(struct flow_call *fc)
{
    fc->target = fc->step->target;
    fc->transfer_failed = NULL;
    transfer_say(fc, &fc->step->prompt);
}

void flow_transfer_desk(struct flow_call *fc, flow_then *failed)
{
    fc->target = flow_voice(fc)->fixed.desk;
    fc->transfer_failed = failed;
    transfer_say(fc, NULL);
}
