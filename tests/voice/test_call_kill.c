/*
 * The gateway is killed in the middle of a call: what was said until then is on the case, the call is known
 * as broken, and a call that it was making is not made again.
 */
#include "rig.h"
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static const char ana[] = "+573001112233";

/* Waits until the channel's recording has so many bytes; how many it has. */
static size_t recorded(struct rig *r, size_t bytes)
{
    char dir[256], data[256];
    size_t n = 0;
    struct watch *w;

    (void)snprintf(dir, sizeof dir, "%s/data/files/wa", r->scratch.dir);
    /* The folder is there once something is recorded; the store's, beside it, changes all the time. */
    (void)snprintf(data, sizeof data, "%s/data", r->scratch.dir);
    w = watch_new(data);
    for (unsigned tries = 0; access(dir, R_OK) != 0 && tries < DEADLINE_S * 10; tries++)
        watch_wait(w, 100);
    watch_free(&w);
    w = watch_new(dir);
    for (unsigned tries = 0; n < bytes && tries < DEADLINE_S * 10; tries++) {
        DIR *d = opendir(dir);
        struct dirent *e;
        struct stat st;
        assert_non_null(d);
        while ((e = readdir(d)) != NULL) {
            char path[600];
            (void)snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
            if (!strncmp(e->d_name, "rec-", 4) && stat(path, &st) == 0 && (size_t)st.st_size > n)
                n = (size_t)st.st_size;
        }
        (void)closedir(d);
        if (n < bytes)
            watch_wait(w, 100);
    }
    watch_free(&w);
    assert_true(n >= bytes);
    return n;
}

static void what_was_said_until_then_is_on_the_case(void **state)
{
    static const char problem[] = "Compré un televisor el lunes, y llegó con la pantalla rota. Llamé dos "
                                  "veces y nadie me contestó. Necesito que me lo "
                                  "cambien antes del sábado, porque viene mi familia a ver el partido.";
    struct sound welcome, ask, said, kept, part;
    unsigned channels;
    struct answer a;
    cJSON *message, *call;
    char id[64];
    struct phone p;
    struct rig r;
    double score;
    size_t n;
    long at;

    (void)state;
    rig_up(&r, NULL);
    rig_customer(&r, "Ana", ana, NULL, id);
    welcome = rig_say(&r, rig_welcome);
    ask = rig_say(&r, "Después del tono, cuéntenos qué ocurre. Al terminar, marque la tecla numeral.");
    said = sound_say(r.scratch.dir, "es", 150, problem);
    phone_up(&p, &r.scratch, &(struct phone_conf){.user = ana});
    rig_port(&r, p.sip);
    phone_dial(&p, rig_uri(&r));
    (void)phone_hears(&p, &welcome);
    phone_listens(&p, 2 * SOUND_RATE); /* of the menu */
    phone_press(&p, "1");
    (void)phone_hears(&p, &ask);
    phone_listens(&p, SOUND_RATE * 3 / 2); /* the tone */
    phone_say(&p, &said);
    n = recorded(&r, 44 + 2 * 9 * SOUND_RATE);
    gate_kill(&r.gate);
    phone_down(&p);
    gate_again(&r.gate);
    message = rig_event(&r, "hilo.message.received", "\"voice\"");
    kept = rig_recording(&r, message, 0, &channels);
    /* All but its last second was safe. */
    assert_true(kept.n + SOUND_RATE >= (n - 44) / 2 / channels);
    part = (struct sound){said.sample, 3 * SOUND_RATE};
    at = sound_find(&kept, &part, 0, &score, NULL);
    if (at < 0)
        print_message("  alike by %.2f in %.1f s\n", score, (double)kept.n / SOUND_RATE);
    assert_true(at >= 0);
    assert_string_equal(json_at(message, "customer")->valuestring, id);
    assert_non_null(json_at(message, "case"));
    call = rig_event(&r, "hilo.call.ended", "broken");
    assert_string_equal(json_at(call, "customer")->valuestring, id);
    a = gate_get(&r.gate, "/v1/calls?status=open");
    assert_int_equal(cJSON_GetArraySize(json_at(a.json, "calls")), 0);
    answer_done(&a);
    cJSON_Delete(call);
    cJSON_Delete(message);
    rig_down(&r, 4, 300);
    sound_done(&welcome);
    sound_done(&ask);
    sound_done(&said);
    sound_done(&kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_said_until_then_is_on_the_case),
    };

    lab_network();
    cmocka_set_test_filter(getenv("HILO_TEST")); /* NULL: all */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
