/*
 * The line itself: encryption of signalling and media, the other address family, hold, session timers, and a
 * caller that is not baresip.
 */
#include "rig.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* A certificate for localhost and the loopback, by openssl: DIR/line.pem, line.key. */
static void certificate(struct scratch *s)
{
    char key[256], cert[256];
    const char *const argv[] = {"/usr/bin/openssl",
                                "req",
                                "-x509",
                                "-newkey",
                                "ec",
                                "-pkeyopt",
                                "ec_paramgen_curve:P-256",
                                "-nodes",
                                "-days",
                                "2",
                                "-subj",
                                "/CN=localhost",
                                "-addext",
                                "subjectAltName=DNS:localhost,IP:127.0.0.1",
                                "-keyout",
                                key,
                                "-out",
                                cert,
                                NULL};
    struct process *p;

    (void)snprintf(key, sizeof key, "%s/line.key", s->dir);
    (void)snprintf(cert, sizeof cert, "%s/line.pem", s->dir);
    p = process_start(argv);
    assert_int_equal(process_wait(p), 0);
    process_free(&p);
}

static void both_are_encrypted(void **state)
{
    struct scratch s;
    struct phone p;
    struct rig r;
    struct sound welcome, main_menu, second;
    char lines[1024], uri[96], ca[256], id[64];
    int tls = free_port();

    (void)state;
    scratch_init(&s);
    certificate(&s);
    (void)snprintf(ca, sizeof ca, "%s/line.pem", s.dir);
    (void)snprintf(lines, sizeof lines,
                   "    tls: 127.0.0.1:%d\n    tls_cert: file:%s\n    tls_key: file:%s/line.key\n    srtp: "
                   "must\n    trunk: 127.0.0.1\n",
                   tls, ca, s.dir);
    rig_prepare(&r, lines);
    /* Debian's sofia-sip 1.12.11 never frees the SSL of a connection that it took; the rest is still judged.
     */
    r.gate.env[0] = "ASAN_OPTIONS=fast_unwind_on_malloc=0";
    r.gate.env[1] = "LSAN_OPTIONS=suppressions=tests/voice/sofia.supp:print_suppressions=0";
    rig_launch(&r);
    rig_customer(&r, "Ana", "+573001112233", NULL, id);
    welcome = rig_say(&r, rig_welcome);
    main_menu = rig_say(&r, rig_main);
    second = rig_say(&r, rig_second);
    phone_up(
        &p, &r.scratch,
        &(struct phone_conf){.user = "+573001112233", .transport = "tls", .srtp = "srtp-mand", .ca = ca});
    rig_port(&r, p.sip);
    (void)snprintf(uri, sizeof uri, "sip:tienda@127.0.0.1:%d", tls);
    phone_dial(&p, uri);
    (void)phone_event(&p, "CALL_ESTABLISHED");
    (void)phone_hears(&p, &welcome);
    (void)phone_hears(&p, &main_menu);
    phone_press(&p, "3");
    (void)phone_hears(&p, &second);
    phone_hang_up(&p);
    cJSON_Delete(rig_event(&r, "hilo.call.ended", NULL));
    phone_down(&p);
    /* Nothing of it could be read on the way, and who does not encrypt is refused. */
    assert_int_equal(capture_count(r.pcap, r.ports, "sip.Method == \"INVITE\""), 0);
    phone_up(&p, &r.scratch, &(struct phone_conf){.user = "+573001112233"});
    rig_port(&r, p.sip);
    phone_dial(&p, rig_uri(&r));
    assert_non_null(strstr(phone_event(&p, "CALL_CLOSED"), "488"));
    phone_down(&p);
    rig_down(&r, 2, 0);
    scratch_done(&s);
    sound_done(&welcome);
    sound_done(&main_menu);
    sound_done(&second);
}

static void a_call_comes_back_from_hold(void **state)
{
    struct phone p;
    struct rig r;
    struct sound main_menu, bye, heard;
    char id[64], port[16];
    double score;

    (void)state;
    rig_up(&r, "    rtp_timeout: 5s\n");
    rig_customer(&r, "Ana", "+573001112233", NULL, id);
    main_menu = rig_say(&r, rig_main);
    bye = rig_say(&r, "Gracias por su llamada. Hasta luego.");
    phone_up(&p, &r.scratch, &(struct phone_conf){.user = "+573001112233"});
    rig_port(&r, p.sip);
    phone_dial(&p, rig_uri(&r));
    (void)phone_hears(&p, &main_menu);
    phone_command(&p, "hold", NULL);
    (void)process_wait_line(p.process, "a=recvonly", NULL); /* the answer to it */
    phone_command(&p, "resume", NULL);
    (void)process_wait_line(p.process, "a=sendrecv", NULL); /* hers */
    (void)process_wait_line(p.process, "a=sendrecv", NULL); /* and the answer */
    phone_press(&p, "9");
    (void)phone_event(&p, "CALL_CLOSED");
    cJSON_Delete(rig_event(&r, "hilo.call.ended", NULL));
    phone_down(&p);
    assert_true(
        capture_count(r.pcap, r.ports, "sip.Method == \"INVITE\" && sdp.media_attr == \"sendonly\"") >= 1);
    /* baresip 1.0 decodes no more after a hold; what came to it is heard in the capture. */
    capture_field(r.pcap, r.ports, "sip.Method == \"INVITE\"", "sdp.media.port", port, sizeof port);
    heard = capture_heard(r.pcap, atoi(port));
    assert_true(sound_find(&heard, &main_menu, 0, &score, NULL) >= 0);
    assert_true(sound_find(&heard, &bye, 0, &score, NULL) >= 0);
    sound_done(&heard);
    assert_true(capture_count(r.pcap, r.ports, "sip.Status-Code == 200 && sdp.media_attr == \"recvonly\"") >=
                1);
    rig_down(&r, 8, 100);
    sound_done(&main_menu);
    sound_done(&bye);
}

static void a_session_is_refreshed(void **state)
{
    struct sipp caller;
    struct rig r;
    const char *const more[] = {"-key", "expires", "90", NULL};

    (void)state;
    rig_up(&r, "    rtp_timeout: 5m\n");
    sipp_call(&caller, &r.scratch, "timer", "tienda", r.sip, more);
    sipp_done(&caller);
    cJSON_Delete(rig_event(&r, "hilo.call.ended", NULL));
    rig_down(&r, 8, 100);
}

/* The scenario that sipp itself has for a caller, five times at once. */
static void sipps_own_caller_is_served(void **state)
{
    struct rig r;
    char at[64];
    const char *const argv[] = {"/usr/bin/sipp",
                                "-sn",
                                "uac",
                                at,
                                "-s",
                                "tienda",
                                "-i",
                                "127.0.0.1",
                                "-m",
                                "5",
                                "-r",
                                "5",
                                "-d",
                                "1500",
                                "-nostdin",
                                "-timeout",
                                "60s",
                                "-timeout_error",
                                NULL};
    struct process *p;
    int status;

    (void)state;
    rig_up(&r, NULL);
    (void)snprintf(at, sizeof at, "127.0.0.1:%d", r.sip);
    p = process_start(argv);
    status = process_wait(p);
    if (status)
        process_show(p);
    assert_int_equal(status, 0);
    process_free(&p);
    for (unsigned i = 0; i < 5; i++)
        cJSON_Delete(rig_event(&r, "hilo.call.ended", NULL));
    rig_down(&r, 30, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_are_encrypted),
        cmocka_unit_test(a_call_comes_back_from_hold),
        cmocka_unit_test(a_session_is_refreshed),
        cmocka_unit_test(sipps_own_caller_is_served),
    };

    lab_network();
    cmocka_set_test_filter(getenv("HILO_TEST")); /* NULL: all */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
