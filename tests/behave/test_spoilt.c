/*
 * What can't be read any more, or has lost its channel, ends by itself and stops nobody
 * else: a stored message whose bytes are damaged, a download of such a message, a send that
 * was under way on a channel that is no longer configured.
 */
#include "harness.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

/* Damages the journal wherever these words stand; the gateway is not running. */
static void spoil(struct world *w, const char *words)
{
    const char *path = scratch_path(&w->scratch, "data/journal/0000000001.seg");
    struct stat st;
    unsigned n = 0;
    int fd = open(path, O_RDWR | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    char *p = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), *at = p;
    assert_true(p != MAP_FAILED);
    while ((at = memmem(at, (size_t)(p + st.st_size - at), words, strlen(words))) != NULL) {
        *at++ ^= 0x20;
        n++;
    }
    assert_true(n > 0);
    assert_int_equal(munmap(p, (size_t)st.st_size), 0);
    (void)close(fd);
}

static void up(struct world *w, const char *channel)
{
    world_up(w, channel, NULL);
    sim_set(&w->sim, "/_sim/config", "{\"enforce_window\":false}");
}

/* Like world_down, but what was damaged would be found by the check. */
static void down_unchecked(struct world *w)
{
    gate_stop(&w->gate);
    sim_stop(&w->sim);
    scratch_done(&w->scratch);
}

static void post_ok(struct world *w, const char *path)
{
    struct answer a = gate_post(&w->gate, path, "{}");

    assert_int_equal(a.status, 200);
    answer_done(&a);
}

static void an_unreadable_message_fails_and_the_others_go_on(void **state)
{
    struct world w = {0};
    char spoilt[64], behind[64], other[64];

    (void)state;
    up(&w, NULL);
    post_ok(&w, "/v1/channels/wa/pause");
    gate_send_text(&w.gate, "+573001112233", "words that will be lost", spoilt);
    gate_send_text(&w.gate, "+573001112233", "of the same conversation", behind);
    gate_send_text(&w.gate, "+573004445566", "of another", other);
    gate_stop(&w.gate);
    spoil(&w, "words that will be lost");
    gate_again(&w.gate);
    (void)process_wait_nth(w.gate.process, 1, "channel.state", "channel=wa", "state=up", NULL);
    post_ok(&w, "/v1/channels/wa/resume");
    (void)process_wait_nth(w.gate.process, 1, "message.settled", spoilt, "status=failed", "reason=unreadable",
                           NULL);
    (void)process_wait_nth(w.gate.process, 1, "store.unreadable", spoilt, "--check-store", NULL);
    gate_wait_status(&w.gate, other, "sent");
    gate_wait_status(&w.gate, behind, "sent");
    gate_queue_is(&w.gate, 0, 0);
    /* Nor does it stop the next start. */
    gate_stop(&w.gate);
    gate_again(&w.gate);
    down_unchecked(&w);
}

static void an_unreadable_download_does_not_block_those_behind(void **state)
{
    struct world w = {0};

    (void)state;
    up(&w, NULL);
    sim_set(&w.sim, "/_sim/faults", "{\"media_fault\":\"500\",\"media_count\":-1}");
    for (unsigned i = 0; i < 5; i++) { /* more than are fetched at a time */
        char caption[32];
        (void)snprintf(caption, sizeof caption, "lost %u", i);
        sim_set(&w.sim, "/_sim/inbound",
                "{\"from\":\"57300111%04u\",\"type\":\"image\",\"data\":\"iVBORw0KGgo=\",\"mime_type\":"
                "\"image/png\",\"caption\":\"%s\"}",
                i, i < 4 ? caption : "kept");
        (void)process_wait_nth(w.gate.process, i + 1, "message.received", NULL);
    }
    (void)process_wait_nth(w.gate.process, 5, "media.failed", NULL);
    gate_stop(&w.gate);
    spoil(&w, "lost ");
    sim_set(&w.sim, "/_sim/faults", "{\"media_fault\":\"ok\"}");
    gate_again(&w.gate);
    (void)process_wait_nth(w.gate.process, 1, "media.stored", NULL);
    (void)process_wait_nth(w.gate.process, 4, "store.unreadable", NULL);
    assert_int_equal(process_count(w.gate.process, "media.stored"), 1);
    down_unchecked(&w);
}

/* The configuration names its channel otherwise from now on. */
static void rename_channel(struct world *w, const char *from, const char *to)
{
    const char *path = scratch_path(&w->scratch, "hilo.yaml");
    char *yaml = file_read(path, NULL), *at;

    while ((at = strstr(yaml, from)) != NULL)
        memcpy(at, to, strlen(to));
    file_write(path, yaml);
    free(yaml);
}

static void a_send_on_a_removed_channel_is_in_doubt(const char *policy, const char *status)
{
    struct world w = {0};
    char id[64];

    up(&w, policy);
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"after_accept\",\"statuses\":[]}");
    gate_send_text(&w.gate, "+573001112233", "hola", id);
    struct answer a = sim_messages(&w.sim, 1);
    answer_done(&a);
    gate_kill(&w.gate);
    rename_channel(&w, "  wa:\n", "  wb:\n");
    rename_channel(&w, "channel: wa\n", "channel: wb\n");
    gate_again(&w.gate);
    (void)process_wait_nth(w.gate.process, 1, "delivery.in_doubt", "reason=channel_removed", NULL);
    a = gate_get(&w.gate, "/v1/messages/%s", id);
    assert_int_equal(a.status, 200);
    assert_string_equal(answer_str(&a, "status"), "in_doubt");
    assert_non_null(strstr(a.body, "channel_removed"));
    answer_done(&a);
    gate_stop(&w.gate);
    gate_check_store(&w.gate);
    /* Back again, it goes on by its policy. */
    rename_channel(&w, "  wb:\n", "  wa:\n");
    rename_channel(&w, "channel: wb\n", "channel: wa\n");
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"none\"}");
    gate_again(&w.gate);
    (void)process_wait_nth(w.gate.process, 1, "channel.state", "channel=wa", "state=up", NULL);
    assert_false(process_saw(w.gate.process, "channel_removed"));
    if (strcmp(status, "sent") == 0)
        gate_wait_status(&w.gate, id, "sent");
    assert_string_equal(gate_status(&w.gate, id), status);
    world_down(&w);
}

static void held_by_a_removed_channel(void **state)
{
    (void)state;
    a_send_on_a_removed_channel_is_in_doubt(NULL, "in_doubt");
}

static void resent_when_a_removed_channel_is_back(void **state)
{
    (void)state;
    a_send_on_a_removed_channel_is_in_doubt("    in_doubt: resend\n", "sent");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unreadable_message_fails_and_the_others_go_on),
        cmocka_unit_test(an_unreadable_download_does_not_block_those_behind),
        cmocka_unit_test(held_by_a_removed_channel),
        cmocka_unit_test(resent_when_a_removed_channel_is_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
