/* See rig.h. */
#include "rig.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

const char rig_welcome[] = "Bienvenida a la tienda de televisores.";
const char rig_main[] =
    "Para contar un problema marque uno, para hablar con un agente marque dos, para horarios marque tres.";
const char rig_second[] = "Abrimos todos los días desde las nueve de la mañana.";

/* Steps of the menu that most tests call. */
static const char menu[] =
    "    menu:\n"
    "      start: welcome\n"
    "      welcome: {do: say, say: {es: \"%s\", en: Welcome to the television shop.}, next: who}\n"
    "      who: {do: identify, document: \"CO:CC\", found: open, unknown: main}\n"
    "      open: {do: tell, next: main}\n"
    "      main:\n"
    "        do: keys\n"
    "        say: {es: \"%s\", en: \"For a problem press one, for an agent two, for hours three.\"}\n"
    "        keys: {1: case, 2: agent, 3: second, 9: bye}\n"
    "        wait: 4s\n        tries: 2\n"
    "        no_key: bye\n"
    "      case: {do: case, subject: Televisor averiado, next: record}\n"
    "      record: {do: record, max: 60s, silence: 5s, next: bye}\n"
    "      agent: {do: transfer, to: agente, no_answer: main}\n"
    "      second:\n"
    "        do: keys\n"
    "        say: {es: \"%s\", en: We open every day at nine.}\n"
    "        keys: {1: main}\n"
    "        no_key: bye\n"
    "      bye: {do: hangup}\n";

static bool has(const char *lines, const char *option)
{
    char text[64];

    (void)snprintf(text, sizeof text, "    %s:", option);
    return lines && strstr(lines, text);
}

void rig_port(struct rig *r, int port)
{
    assert_true(r->n_ports < 11);
    r->ports[r->n_ports++] = port;
}

void rig_prepare(struct rig *r, const char *lines)
{
    size_t n;
    int rtp = 2 * (free_port() / 2);

    *r = (struct rig){0};
    scratch_init(&r->scratch);
    (void)snprintf(r->pcap, sizeof r->pcap, "%s", scratch_path(&r->scratch, "line.pcap"));
    r->capture = capture_begin(r->pcap);
    r->sip = free_port();
    r->tls = free_port();
    rig_port(r, r->sip);
    n = (size_t)snprintf(r->lines, sizeof r->lines, "%s", lines ? lines : "");
    if (!has(lines, "udp"))
        n += (size_t)snprintf(r->lines + n, sizeof r->lines - n,
                              "    udp: 127.0.0.1:%d\n    tcp: 127.0.0.1:%d\n", r->sip, r->sip);
    if (!has(lines, "rtp"))
        n += (size_t)snprintf(r->lines + n, sizeof r->lines - n,
                              "    rtp: 127.0.0.1\n    rtp_port_min: %d\n    rtp_port_max: %d\n", rtp,
                              rtp + 99);
    if (!has(lines, "trunk") && !has(lines, "registrar"))
        n += (size_t)snprintf(r->lines + n, sizeof r->lines - n, "    trunk: 127.0.0.1\n");
    if (!has(lines, "keep_alive")) /* nobody answers at the trunk but who calls */
        n += (size_t)snprintf(r->lines + n, sizeof r->lines - n, "    keep_alive: 0s\n");
    if (!has(lines, "out_hours"))
        n += (size_t)snprintf(r->lines + n, sizeof r->lines - n, "    out_hours: \"\"\n");
    if (!has(lines, "words_per_minute"))
        n += (size_t)snprintf(r->lines + n, sizeof r->lines - n,
                              "    words_per_minute: %d\n    voice_es: es-419\n", RIG_WPM);
    if (!has(lines, "menu"))
        n += (size_t)snprintf(r->lines + n, sizeof r->lines - n, menu, rig_welcome, rig_main, rig_second);
    assert_true(n < sizeof r->lines);
    r->gate.type = "voice";
    r->gate.channel = r->lines;
    gate_prepare(&r->gate, &r->scratch, NULL);
}

void rig_launch(struct rig *r)
{
    char bin[256], control[256];
    const char *const argv[] = {"/usr/bin/env", control,   bin,      "events", "--follow",
                                "--json",       "--after", "oldest", NULL};

    gate_start(&r->gate, &r->scratch, NULL);
    lab_shows(r->gate.process);
    if (process_saw(r->gate.process, "channel.broken"))
        process_show(r->gate.process);
    assert_false(process_saw(r->gate.process, "channel.broken")); /* said before it is ready */
    (void)process_wait_nth(r->gate.process, 1, "channel=wa", "state=up", NULL);
    process_free(&r->events);
    (void)snprintf(bin, sizeof bin, "%s/hilo", harness_build());
    (void)snprintf(control, sizeof control, "HILO_CONTROL=%s/data/control.sock", r->scratch.dir);
    r->events = process_start(argv);
}

void rig_up(struct rig *r, const char *lines)
{
    rig_prepare(r, lines);
    rig_launch(r);
}

void rig_down(struct rig *r, unsigned sip, unsigned rtp)
{
    if (r->gate.process) {
        lab_shows(NULL);
        gate_stop(&r->gate);
        gate_check_store(&r->gate);
    }
    process_free(&r->events);
    capture_end(&r->capture);
    capture_judge(r->pcap, r->ports, sip, rtp);
    scratch_done(&r->scratch);
}

const char *rig_uri(const struct rig *r)
{
    static char uri[64];

    (void)snprintf(uri, sizeof uri, "sip:tienda@127.0.0.1:%d", r->sip);
    return uri;
}

struct sound rig_say(struct rig *r, const char *text)
{
    return sound_say(r->scratch.dir, "es-419", RIG_WPM, text);
}

cJSON *rig_event(struct rig *r, const char *type, const char *word)
{
    char name[96];
    cJSON *event, *data;

    (void)snprintf(name, sizeof name, "\"type\":\"%s\"", type);
    event = cJSON_Parse(process_wait_line(r->events, name, word ? word : "", NULL));
    assert_non_null(event);
    data = cJSON_DetachItemFromObject(event, "data");
    assert_non_null(data);
    /* When, beside what. */
    cJSON_AddItemToObject(data, "event_time", cJSON_DetachItemFromObject(event, "time"));
    cJSON_Delete(event);
    return data;
}

void rig_log(struct rig *r, const char *word, const char *more)
{
    (void)process_wait_line(r->gate.process, word, more ? more : "", NULL);
}

void rig_customer(struct rig *r, const char *name, const char *phone, const char *document, char *id)
{
    char identifiers[256] = "";
    struct answer a;

    if (phone)
        (void)snprintf(identifiers, sizeof identifiers, "{\"scheme\":\"phone\",\"value\":\"%s\"}", phone);
    if (document)
        (void)snprintf(identifiers + strlen(identifiers), sizeof identifiers - strlen(identifiers),
                       "%s{\"scheme\":\"document\",\"value\":\"%s\"}", phone ? "," : "", document);
    a = gate_post(&r->gate, "/v1/customers", "{\"name\":\"%s\",\"language\":\"es\",\"identifiers\":[%s]}",
                  name, identifiers);
    assert_int_equal(a.status, 201);
    (void)snprintf(id, 64, "%s", answer_str(&a, "id"));
    answer_done(&a);
}

void rig_send(struct rig *r, const char *phone, const char *content_json, char *id)
{
    struct answer a =
        gate_post(&r->gate, "/v1/messages", "{\"to\":{\"phone\":\"%s\"},\"channel\":\"wa\",\"content\":%s}",
                  phone, content_json);

    if (a.status != 202)
        print_message("%s\n", a.body);
    assert_int_equal(a.status, 202);
    (void)snprintf(id, 64, "%s", answer_str(&a, "id"));
    answer_done(&a);
}

struct sound rig_recording(struct rig *r, const cJSON *message, unsigned channel, unsigned *channels)
{
    const cJSON *id = json_at(message, "id"), *media;
    struct answer a;
    struct sound s;
    char path[128];

    assert_non_null(id);
    (void)process_wait_nth(r->events, 1, "hilo.media.stored", id->valuestring, NULL);
    a = gate_get(&r->gate, "/v1/messages/%s", id->valuestring);
    media = json_at(a.json, "content/media");
    assert_non_null(media);
    (void)snprintf(path, sizeof path, "%s", media->valuestring);
    answer_done(&a);
    a = gate_get(&r->gate, "/v1/media/%s", path);
    assert_int_equal(a.status, 200);
    assert_non_null(strstr(a.headers, "Content-Type: audio/"));
    s = sound_of(a.body, a.n, channel, channels);
    answer_done(&a);
    return s;
}
