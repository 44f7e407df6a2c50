/*
 * The instruments of this folder, before they judge anything: what is heard is told from what is not, however
 * it came; what tshark must find is found; and the peers can do among themselves what they are there for.
 */
#include "lab.h"
#include "peers.h"
#include "phone.h"
#include "sound.h"
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

static const char hello[] = "Hola, Ana. Gracias por llamar a la tienda. Para cambios, marque uno.";
static const char other[] = "Por favor, marque el número de su cédula, y al final la tecla numeral.";

static void what_was_said_is_told_from_what_was_not(void **state)
{
    struct scratch s;
    struct sound said, not_said, heard, tail;
    double score;
    long at;

    (void)state;
    scratch_init(&s);
    said = sound_say(s.dir, "es-419", 160, hello);
    not_said = sound_say(s.dir, "es-419", 160, other);
    heard = sound_then(sound_then(sound_silence(1.5), &said), &not_said);
    at = sound_find(&heard, &said, 0, &score, NULL);
    assert_true(score > 0.95);
    assert_in_range(at, 1.5 * SOUND_RATE - 200, 1.5 * SOUND_RATE + 200);
    at = sound_find(&heard, &not_said, 0, &score, NULL);
    assert_true(score > 0.95 && at > (long)said.n);
    /* Nothing of it is behind it; nor is it heard in another's speech, or in half of it. */
    assert_int_equal(sound_find(&heard, &said, (size_t)at, &score, NULL), -1);
    assert_true(score < 0.4);
    sound_done(&heard);
    tail = sound_silence(6);
    heard = sound_then(sound_then(sound_silence(1), &not_said), &tail);
    assert_int_equal(sound_find(&heard, &said, 0, &score, NULL), -1);
    assert_true(score < 0.4);
    sound_done(&heard);
    heard = sound_then(sound_then(sound_silence(1), &(struct sound){said.sample, said.n / 2}), &tail);
    assert_int_equal(sound_find(&heard, &said, 0, &score, NULL), -1);
    sound_done(&heard);
    /* Ten frames lost in the middle and ten of silence put in elsewhere are a bad line, not another text. */
    heard = sound_then(sound_silence(1), &(struct sound){said.sample, said.n / 3});
    heard = sound_then(heard, &(struct sound){tail.sample, 160});
    heard = sound_then(heard, &(struct sound){said.sample + said.n / 3, said.n / 3});
    heard = sound_then(heard, &(struct sound){said.sample + 2 * (said.n / 3) + 160, said.n / 3 - 160});
    heard = sound_then(heard, &tail);
    at = sound_find(&heard, &said, 0, &score, NULL);
    assert_in_range(at, SOUND_RATE - 200, SOUND_RATE + 200);
    sound_done(&heard);
    sound_done(&tail);
    sound_done(&said);
    sound_done(&not_said);
    scratch_done(&s);
}

/* Somebody is there, or ICMP would bring all back. */
static int listener(int *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    at.sin_port = htons((uint16_t)*port);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

static void send_to(int port, const char *text, size_t n)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    assert_int_equal(sendto(fd, text, n, 0, (struct sockaddr *)&to, sizeof to), n);
    (void)close(fd);
}

static void tshark_finds_what_is_malformed(void **state)
{
    static const char sound[] =
        "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKa\r\nFrom: <sip:c@d>;tag=1\r\n"
        "To: <sip:a@b>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContact: "
        "<sip:c@127.0.0.1:9>\r\n"
        "Content-Type: application/sdp\r\nContent-Length: 100\r\n\r\n"
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n"
        "a=ptime:20\r\n";
    /* Version 2 with extension, and no extension in it. */
    static const char rtp[] = "\x90\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\xff\xff";
    struct scratch s;
    struct capture *c;
    int port = 0, media = 40000, fd = listener(&port), rtp_fd = listener(&media), ports[] = {port, 0};
    const char *path;

    (void)state;
    scratch_init(&s);
    path = scratch_path(&s, "lab.pcap");
    c = capture_begin(path);
    send_to(port, sound, sizeof sound - 1);
    capture_end(&c);
    assert_int_equal(capture_count(path, ports, "sip.Method == \"INVITE\""), 1);
    assert_int_equal(capture_count(path, ports, "_ws.malformed"), 0);
    c = capture_begin(path);
    send_to(port, sound, sizeof sound - 1);
    send_to(40000, rtp, sizeof rtp - 1);
    capture_end(&c);
    assert_int_equal(capture_count(path, ports, "_ws.malformed"), 1);
    (void)close(fd);
    (void)close(rtp_fd);
    scratch_done(&s);
}

/* Two telephones and a proxy: who calls hears what the other says; keys arrive. */
static void peers_work_among_themselves(void **state)
{
    struct scratch s;
    struct kamailio k;
    struct phone ana, shop;
    struct sound said;
    struct capture *c;
    char uri[64];
    int ports[] = {0, 0, 0, 0};
    const char *path;

    (void)state;
    scratch_init(&s);
    path = scratch_path(&s, "peers.pcap");
    c = capture_begin(path);
    kamailio_up(&k, &s);
    phone_up(&ana, &s,
             &(struct phone_conf){.user = "ana", .registrar = k.port, .password = KAMAILIO_PASSWORD});
    phone_up(&shop, &s,
             &(struct phone_conf){
                 .user = "tienda", .registrar = k.port, .password = KAMAILIO_PASSWORD, .answer = "auto"});
    (void)snprintf(uri, sizeof uri, "sip:tienda@127.0.0.1:%d", k.port);
    phone_dial(&ana, uri);
    (void)phone_event(&ana, "CALL_ESTABLISHED");
    (void)phone_event(&shop, "CALL_ESTABLISHED");
    said = sound_say(s.dir, "es-419", 160, hello);
    phone_say(&shop, &said);
    (void)phone_hears(&ana, &said);
    assert_false(phone_heard(&shop, &said, 0));
    phone_press(&ana, "7");
    (void)process_wait_line(shop.process, "eceived event: '7'", NULL);
    phone_hang_up(&ana);
    (void)phone_event(&shop, "CALL_CLOSED");
    phone_down(&ana);
    phone_down(&shop);
    kamailio_down(&k);
    capture_end(&c);
    ports[0] = k.port;
    ports[1] = ana.sip;
    ports[2] = shop.sip;
    capture_judge(path, ports, 10, 100);
    assert_true(capture_count(path, ports, "sip.auth.digest.response && sip.Method == \"REGISTER\"") >= 2);
    assert_true(capture_count(path, ports, "rtpevent.event_id == 7") >= 1);
    sound_done(&said);
    scratch_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_said_is_told_from_what_was_not),
        cmocka_unit_test(tshark_finds_what_is_malformed),
        cmocka_unit_test(peers_work_among_themselves),
    };

    lab_network();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
