/*
 * Texts of recordings: a caller leaves a message, a command or a service of the operator's makes a text of
 * it, and it stands with the message; also when the service was away and the gateway was started again
 * meanwhile.
 */
#include "rig.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

static const char ana[] = "+573001112233";
static const char menu[] = "    keep_alive: 0s\n"
                           "    menu:\n"
                           "      start: record\n"
                           "      record: {do: record, max: 20s, silence: 3s, next: bye}\n"
                           "      bye: {do: hangup}\n";

/* ---- a service ---- */

enum { REQUEST_MAX = 4 << 20 };

/* Takes one request and answers it. */
struct service {
    int listening, port;
    pthread_t thread;
    char *request; /* head and body, NUL-ended */
    size_t n;
};

static void *service_run(void *arg)
{
    static const char json[] = "{\"task\":\"x\",\"text\":\" La pantalla llegó rota. \",\"words\":[]}";
    struct service *s = arg;
    size_t length = 0;
    char answer[300];
    const char *head;
    ssize_t n;
    int fd = accept(s->listening, NULL, NULL);

    if (fd < 0)
        return NULL;
    while (s->n < REQUEST_MAX && (n = recv(fd, s->request + s->n, REQUEST_MAX - s->n, 0)) > 0) {
        s->n += (size_t)n;
        s->request[s->n] = 0;
        head = strstr(s->request, "\r\n\r\n");
        if (head && !length) {
            const char *l = strcasestr(s->request, "\r\nContent-Length:");
            length = l && l < head ? (size_t)(head + 4 - s->request) + strtoul(l + 17, NULL, 10) : 0;
            if (strcasestr(s->request, "\r\nExpect:"))
                (void)send(fd, "HTTP/1.1 100 Continue\r\n\r\n", 25, MSG_NOSIGNAL);
        }
        if (length && s->n >= length)
            break;
    }
    (void)snprintf(answer, sizeof answer,
                   "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n"
                   "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
                   sizeof json - 1, json);
    (void)send(fd, answer, strlen(answer), MSG_NOSIGNAL);
    (void)close(fd);
    return NULL;
}

static void service_up(struct service *s, int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    const int on = 1;

    *s = (struct service){.port = port, .request = malloc(REQUEST_MAX + 1)};
    assert_non_null(s->request);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(setsockopt(s->listening, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    assert_int_equal(bind(s->listening, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(s->listening, 4), 0);
    assert_int_equal(pthread_create(&s->thread, NULL, service_run, s), 0);
}

static void service_done(struct service *s)
{
    assert_int_equal(pthread_join(s->thread, NULL), 0);
    (void)close(s->listening);
}

static void has(const struct service *s, const char *text)
{
    if (!memmem(s->request, s->n, text, strlen(text)))
        fail_msg("the request has no \"%s\"", text);
}

/* ---- a caller ---- */

/* Calls and leaves a message; its id into id. */
static void leaves_a_message(struct rig *r, struct phone *p, char *id)
{
    struct sound ask =
        rig_say(r, "Después del tono, cuéntenos qué ocurre. Al terminar, marque la tecla numeral.");
    struct sound said = rig_say(r, "Compré un televisor el lunes, y llegó con la pantalla rota.");
    cJSON *m;

    phone_dial(p, rig_uri(r));
    (void)phone_hears(p, &ask);
    phone_listens(p, SOUND_RATE);
    phone_say(p, &said);
    m = rig_event(r, "hilo.message.received", "\"voice\"");
    (void)snprintf(id, 64, "%s", json_at(m, "id")->valuestring);
    cJSON_Delete(m);
    sound_done(&ask);
    sound_done(&said);
}

static void text_is(struct rig *r, const char *id, const char *text)
{
    struct answer a = gate_get(&r->gate, "/v1/messages/%s", id);

    if (!strstr(answer_str(&a, "transcript/text"), text))
        fail_msg("%s", a.body);
    assert_string_equal(answer_str(&a, "transcript/language"), "es");
    answer_done(&a);
}

static void a_command_makes_it(void **state)
{
    struct phone p;
    struct rig r;
    char lines[1600], id[64], here[512];

    (void)state;
    /* A worker's folder is another. */
    assert_non_null(getcwd(here, sizeof here));
    (void)snprintf(lines, sizeof lines,
                   "%s    transcriber: \"/bin/sh %s/tests/voice/transcribe.sh {language}\"\n", menu, here);
    rig_up(&r, lines);
    phone_up(&p, &r.scratch, &(struct phone_conf){.user = ana});
    rig_port(&r, p.sip);
    leaves_a_message(&r, &p, id);
    cJSON_Delete(rig_event(&r, "hilo.message.transcribed", id));
    text_is(&r, id, "en es, es: ");
    (void)phone_event(&p, "CALL_CLOSED");
    phone_down(&p);
    rig_down(&r, 6, 200);
}

static void a_service_that_was_away_makes_it_after_a_restart(void **state)
{
    struct service s;
    struct phone p;
    struct rig r;
    char lines[1400], id[64];
    int port = free_port();

    (void)state;
    (void)snprintf(
        lines, sizeof lines,
        "%s    transcriber: \"http://127.0.0.1:%d/v1/audio/transcriptions\"\n    transcriber_secret: "
        "s3cret\n    transcriber_form: \"file model=whisper-1 language={language}\"\n",
        menu, port);
    rig_up(&r, lines);
    phone_up(&p, &r.scratch, &(struct phone_conf){.user = ana});
    rig_port(&r, p.sip);
    leaves_a_message(&r, &p, id);
    rig_log(&r, "no text for the recording", "it is tried again");
    (void)phone_event(&p, "CALL_CLOSED");
    gate_stop(&r.gate);
    service_up(&s, port);
    gate_again(&r.gate);
    service_done(&s);
    rig_log(&r, "route=/v1/messages/{}/transcript", "status=201");
    text_is(&r, id, "La pantalla llegó rota.");
    has(&s, "POST /v1/audio/transcriptions HTTP/1.1\r\n");
    has(&s, "\r\nAuthorization: Bearer s3cret\r\n");
    has(&s, "name=\"file\"; filename=\"recording.wav\"");
    has(&s, "name=\"model\"\r\n\r\nwhisper-1\r\n");
    has(&s, "name=\"language\"\r\n\r\nes\r\n");
    has(&s, "WAVEfmt ");
    free(s.request);
    phone_down(&p);
    rig_down(&r, 6, 200);
}

static void a_service_may_take_the_sound_alone(void **state)
{
    struct service s;
    struct phone p;
    struct rig r;
    char lines[1400], id[64];
    int port = free_port();

    (void)state;
    service_up(&s, port);
    (void)snprintf(lines, sizeof lines, "%s    transcriber: \"http://127.0.0.1:%d/texts\"\n", menu, port);
    rig_up(&r, lines);
    phone_up(&p, &r.scratch, &(struct phone_conf){.user = ana});
    rig_port(&r, p.sip);
    leaves_a_message(&r, &p, id);
    cJSON_Delete(rig_event(&r, "hilo.message.transcribed", id));
    service_done(&s);
    text_is(&r, id, "La pantalla llegó rota.");
    has(&s, "POST /texts HTTP/1.1\r\n");
    has(&s, "\r\nContent-Type: audio/wav\r\n");
    has(&s, "\r\nContent-Language: es\r\n");
    has(&s, "\r\n\r\nRIFF");
    free(s.request);
    (void)phone_event(&p, "CALL_CLOSED");
    phone_down(&p);
    rig_down(&r, 6, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_makes_it),
        cmocka_unit_test(a_service_that_was_away_makes_it_after_a_restart),
        cmocka_unit_test(a_service_may_take_the_sound_alone),
    };

    cmocka_set_test_filter(getenv("HILO_TEST"));
    lab_network();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
