/*
 * What a relay may say, line by line, and every way that libcurl ends: what is told of it is one line of
 * words, an enhanced code that is one, and never that a mail can be sent again when the relay may have it.
 */
#include "../../plugins/email/smtp_talk.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *p = (const char *)data, *end = p + size, *eol, *c;
    struct smtp_talk t = {.greeted = false};
    struct smtp_verdict v;
    int rc;

    for (; p < end; p = eol) {
        eol = memchr(p, '\n', (size_t)(end - p));
        eol = eol ? eol + 1 : end;
        if (eol - p == 2 && *p == '!')
            t.all = true; /* the mail is out */
        smtp_talk_line(&t, p, (size_t)(eol - p));
    }
    if (strlen(t.words) >= TALK_WORDS || strlen(t.enhanced) >= TALK_ENHANCED || t.status > 599)
        abort();
    for (c = t.words; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            abort();
    if (t.enhanced[0] && (t.enhanced[1] != '.' || !strchr(t.enhanced + 2, '.')))
        abort();
    for (rc = CURLE_OK; rc < CURL_LAST; rc++) {
        v = smtp_talk_verdict(&t, (CURLcode)rc);
        if ((rc == CURLE_OK) != (v.code == HILO_OK))
            abort();
        if (rc != CURLE_OK && t.all && !t.judged && (v.code != HILO_IN_DOUBT || v.relay))
            abort();
        if (t.all && smtp_talk_stale(&t, (CURLcode)rc))
            abort();
    }
    return 0;
}
