/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "printer_conf.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum { CONF_PORT = 9100, CONF_WORD = 64, CONF_COLUMNS_MIN = 16, CONF_COLUMNS_MAX = 96, CONF_DOTS_MAX = 1152 };

static bool conf_is(struct hilo_str s, const char *word)
{
    return s.n == strlen(word) && memcmp(s.p, word, s.n) == 0;
}

/* What stands before the first of these; s becomes what stands after it. */
static struct hilo_str conf_until(struct hilo_str *s, const char *ends)
{
    struct hilo_str out = {s->p, 0};

    while (out.n < s->n && !strchr(ends, s->p[out.n]))
        out.n++;
    s->p += out.n;
    s->n -= out.n;
    return out;
}

static bool conf_number(struct hilo_str s, uint32_t min, uint32_t max, uint32_t *out)
{
    uint64_t i, v = 0;

    for (i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9' || v > max)
            return false;
        v = v * 10 + (uint64_t)(s.p[i] - '0');
    }
    *out = (uint32_t)v;
    return s.n > 0 && v >= min && v <= max;
}

static bool conf_name(struct hilo_str s, char *out)
{
    uint64_t i, part = 0;
    bool terminal = false;

    for (i = 0; i < s.n; i++) {
        if (s.p[i] == '/' && !terminal && part > 0) {
            terminal = true;
            part = 0;
        } else if (++part > 32 ||
                   !strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-", s.p[i])) {
            return false;
        }
    }
    if (part == 0)
        return false;
    memcpy(out, s.p, s.n);
    out[s.n] = 0;
    return true;
}

static bool conf_address(struct hilo_str s, struct pos_printer_conf *conf)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    bool six = s.n > 0 && s.p[0] == '[';
    char text[CONF_WORD];
    struct hilo_str host;
    uint32_t port = CONF_PORT;

    if (six) {
        s.p++;
        s.n--;
    }
    host = conf_until(&s, six ? "]" : ":");
    if (six && s.n == 0)
        return false;
    if (six) {
        s.p++;
        s.n--;
    }
    if (s.n > 0 && (s.p[0] != ':' || !conf_number((struct hilo_str){s.p + 1, s.n - 1}, 1, 65535, &port)))
        return false;
    if (host.n == 0 || host.n >= sizeof text)
        return false;
    memcpy(text, host.p, host.n);
    text[host.n] = 0;
    if (!six && inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
        v4.sin_port = htons((uint16_t)port);
        memcpy(&conf->address, &v4, sizeof v4);
        conf->address_n = sizeof v4;
    } else if (six && inet_pton(AF_INET6, text, &v6.sin6_addr) == 1) {
        v6.sin6_port = htons((uint16_t)port);
        memcpy(&conf->address, &v6, sizeof v6);
        conf->address_n = sizeof v6;
    } else {
        return false;
    }
    return true;
}

static const char *conf_word(struct hilo_str word, struct pos_printer_conf *conf)
{
    struct pos_paper *paper = &conf->paper;
    struct hilo_str value = word, key = conf_until(&value, "=");
    bool given = value.n > 0;
    uint8_t number;
    uint32_t n;

    if (given) {
        value.p++;
        value.n--;
    }
    if (!given && conf_is(key, "58mm")) {
        paper->columns = 32;
        paper->dots = 384;
    } else if (!given && conf_is(key, "80mm")) {
        paper->columns = 48;
        paper->dots = 576;
    } else if (given && conf_is(key, "columns")) {
        if (!conf_number(value, CONF_COLUMNS_MIN, CONF_COLUMNS_MAX, &paper->columns))
            return "printers: columns=N is 16 to 96";
    } else if (given && conf_is(key, "dots")) {
        if (!conf_number(value, 192, CONF_DOTS_MAX, &paper->dots))
            return "printers: dots=N is 192 to 1152";
    } else if (pos_codepage_parse(key, &paper->codepage, &number)) {
        paper->page = number;
        if (given && !conf_number(value, 0, 255, &n))
            return "printers: the number of a code page is 0 to 255, as the printer's manual has it";
        if (given)
            paper->page = (uint8_t)n;
    } else if (!given && conf_is(key, "raster")) {
        paper->raster = true;
    } else if (given && conf_is(key, "cut")) {
        conf->cut_given = true;
        conf->cut = conf_is(value, "full")   ? POS_CUT_FULL
                    : conf_is(value, "none") ? POS_CUT_NONE
                                             : POS_CUT_PARTIAL;
        if (conf->cut == POS_CUT_PARTIAL && !conf_is(value, "partial"))
            return "printers: cut= is full, partial or none";
    } else if (!given && conf_is(key, "nostatus")) {
        conf->status = conf->order = false;
    } else if (given && conf_is(key, "confirm")) {
        if (!conf_is(value, "order") && !conf_is(value, "status"))
            return "printers: confirm= is order or status";
        conf->order = conf_is(value, "order");
    } else if (!given && conf_is(key, "asb")) {
        conf->asb = true;
    } else if (given && conf_is(key, "unknown")) {
        conf->again = conf_is(value, "again");
        if (!conf->again && !conf_is(value, "ask"))
            return "printers: unknown= is ask or again";
    } else {
        return "printers: after the address, 58mm, 80mm, columns=, dots=, cp850, cp858, cp1252, raster, "
               "cut=, "
               "nostatus, confirm=, asb and unknown= are known";
    }
    return NULL;
}

static const char *conf_one(struct hilo_str entry, struct pos_printer_conf *conf)
{
    struct hilo_str name = conf_until(&entry, "="), address;
    const char *wrong = NULL;

    *conf = (struct pos_printer_conf){.paper = pos_paper_default, .status = true, .order = true};
    if (entry.n == 0 || name.n > POS_PRINTER_NAME_MAX || !conf_name(name, conf->name))
        return "printers: each is STORE=ADDRESS or STORE/TERMINAL=ADDRESS, its names of at most 32 letters, "
               "digits, _ . and -";
    entry.p++;
    entry.n--;
    address = conf_until(&entry, "/");
    if (!conf_address(address, conf))
        return "printers: an address is 10.0.0.5, 10.0.0.5:9100 or [fd00::5]:9100, in digits";
    while (!wrong && entry.n > 0) {
        entry.p++;
        entry.n--;
        wrong = conf_word(conf_until(&entry, "/"), conf);
    }
    if (!wrong && conf->asb && !conf->status)
        return "printers: asb and nostatus exclude each other";
    if (!wrong && conf->paper.dots / conf->paper.columns < 6)
        return "printers: so many columns= have no room on so few dots=";
    return wrong;
}

const char *pos_printer_conf_read(struct hilo_str printers, struct pos_printer_conf *out, size_t *n_out)
{
    struct pos_printer_conf *seen = out ? out : calloc(POS_PRINTERS_MAX, sizeof *seen);
    const char *wrong = seen ? NULL : "printers: no memory";
    size_t n = 0, i;

    while (!wrong && printers.n > 0) {
        struct hilo_str entry = conf_until(&printers, " \t\r\n,");

        if (printers.n > 0) {
            printers.p++;
            printers.n--;
        }
        if (entry.n == 0)
            continue;
        if (n == POS_PRINTERS_MAX) {
            wrong = "printers: 256 at most";
            break;
        }
        wrong = conf_one(entry, &seen[n]);
        for (i = 0; !wrong && i < n; i++)
            if (strcmp(seen[i].name, seen[n].name) == 0)
                wrong = "printers: one is named twice";
        n++;
    }
    if (!out)
        free(seen);
    *n_out = n;
    return wrong;
}

const char *pos_printers_wrong(struct hilo_str printers)
{
    size_t n;

    return pos_printer_conf_read(printers, NULL, &n);
}
