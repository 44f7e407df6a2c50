/*
 * The pages of links, in Spanish and English. No script, no picture, nothing from elsewhere; a form that
 * posts to where it came from. The question is cut: the mail has all of it.
 */
#include "api/pages.h"
#include "base/str.h"

enum { QUESTION_MAX = 600 };

#define STYLE                                                                                                \
    "body{font:17px/1.5 system-ui,sans-serif;margin:0;background:#f4f4f2;color:#1d1d1b}"                     \
    "main{max-width:32rem;margin:12vh auto 0;padding:2rem;background:#fff;border-radius:8px}"                \
    "h1{font-size:1.4rem;margin:.2em 0 .8em}"                                                                \
    "p{margin:0 0 1em}.by{color:#6a6a66;margin:0}.said{white-space:pre-line;overflow-wrap:anywhere}"         \
    "button{font:inherit;padding:.7em 1.4em;border:0;border-radius:6px;background:#1d4f91;color:#fff}"
/* SHA-256 of STYLE, base64: tests/unit/test_pages.c says when it has to be made anew. */
const char page_policy[] = "default-src 'none'; style-src "
                           "'sha256-YxmmCaIdLcBQ+24V78TrhOpq2LZnJujn40TM0d3A6Yw='; form-action 'self'; "
                           "base-uri 'none'; frame-ancestors 'none'";

static const struct words {
    const char *title, *text, *button; /* button NULL: none */
} words[2][PAGE__END] = {
    {[PAGE_CHOOSE] = {"Confirm your answer", NULL, NULL},
     [PAGE_CHOSEN] = {"Thank you", "We have received your answer. You can close this page.", NULL},
     [PAGE_CHOSEN_BEFORE] = {"We already have it",
                             "We had received this answer before. You can close this page.", NULL},
     [PAGE_UNSUBSCRIBE] = {"No more offers?",
                           "You will no longer get advertising at this address. Messages about your orders, "
                           "appointments and questions still come.",
                           "Unsubscribe"},
     [PAGE_UNSUBSCRIBED] = {"You are unsubscribed", "You will no longer get advertising at this address.",
                            NULL},
     [PAGE_UNCLEAR] = {"That did not work", "Open the link again and press the button.", NULL},
     [PAGE_UNKNOWN] = {"This link does not work",
                       "It may not have been copied as a whole. Answer the message instead.", NULL},
     [PAGE_EXPIRED] = {"This link has expired", "Answer the message instead.", NULL},
     [PAGE_OFTEN] = {"Too often", "Please wait a minute and try again.", NULL},
     [PAGE_BUSY] = {"Not at the moment", "Nothing was changed. Please try again in a few minutes.", NULL}},
    {[PAGE_CHOOSE] = {"Confirma tu respuesta", NULL, NULL},
     [PAGE_CHOSEN] = {"Gracias", "Recibimos tu respuesta. Puedes cerrar esta página.", NULL},
     [PAGE_CHOSEN_BEFORE] = {"Ya la tenemos",
                             "Ya habíamos recibido esta respuesta. Puedes cerrar esta página.", NULL},
     [PAGE_UNSUBSCRIBE] =
         {"¿No quieres más ofertas?",
          "Ya no recibirás publicidad en esta dirección. Los mensajes sobre tus pedidos, citas y "
          "consultas sí seguirán llegando.",
          "Cancelar la suscripción"},
     [PAGE_UNSUBSCRIBED] = {"Suscripción cancelada", "Ya no recibirás publicidad en esta dirección.", NULL},
     [PAGE_UNCLEAR] = {"No se pudo", "Abre el enlace otra vez y pulsa el botón.", NULL},
     [PAGE_UNKNOWN] = {"Este enlace no funciona",
                       "Tal vez no se copió completo. Responde el mensaje en su lugar.", NULL},
     [PAGE_EXPIRED] = {"Este enlace ya venció", "Responde el mensaje en su lugar.", NULL},
     [PAGE_OFTEN] = {"Demasiadas veces", "Espera un minuto e inténtalo de nuevo.", NULL},
     [PAGE_BUSY] = {"Ahora no es posible", "No se cambió nada. Inténtalo de nuevo en unos minutos.", NULL}}};

/* Text, also within quotes of an attribute. */
static int32_t put_text(struct buf *b, struct hilo_str s)
{
    int32_t rc = HILO_OK;

    for (uint64_t i = 0; i < s.n && rc == HILO_OK; i++) {
        const char *as = s.p[i] == '&'    ? "&amp;"
                         : s.p[i] == '<'  ? "&lt;"
                         : s.p[i] == '>'  ? "&gt;"
                         : s.p[i] == '"'  ? "&quot;"
                         : s.p[i] == '\'' ? "&#39;"
                                          : NULL;
        rc = as ? buf_add_str(b, str(as)) : buf_add(b, s.p + i, 1);
    }
    return rc;
}

/* A tag, a text that is escaped, what closes it. */
static int32_t put_element(struct buf *b, const char *open, struct hilo_str text, const char *close)
{
    int32_t rc = text.n ? buf_add_str(b, str(open)) : HILO_OK;

    if (rc == HILO_OK)
        rc = put_text(b, text);
    return rc == HILO_OK && text.n ? buf_add_str(b, str(close)) : rc;
}

static int32_t put_form(struct buf *b, enum page page, const struct words *w, const struct page_words *x)
{
    int32_t rc = HILO_OK;

    if (page == PAGE_CHOOSE)
        rc = put_element(b, "<form method=\"post\"><button>", x->title, "</button></form>");
    else if (w->button)
        rc = put_element(b,
                         "<form method=\"post\"><input type=\"hidden\" name=\"List-Unsubscribe\" "
                         "value=\"page\"><button>",
                         str(w->button), "</button></form>");
    return rc;
}

int32_t page_write(struct buf *b, enum page page, const struct page_words *x)
{
    const struct words *w = &words[x->spanish][page];
    const bool asks = page == PAGE_CHOOSE, about = asks || page == PAGE_CHOSEN || page == PAGE_CHOSEN_BEFORE;
    int32_t rc = buf_fmt(b,
                         "<!doctype html><html lang=\"%s\"><head><meta charset=\"utf-8\">"
                         "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
                         "<meta name=\"robots\" content=\"noindex\"><title>%s</title><style>" STYLE
                         "</style></head><body><main>",
                         x->spanish ? "es" : "en", w->title);

    if (rc == HILO_OK)
        rc = put_element(b, "<p class=\"by\">", x->name, "</p>");
    if (rc == HILO_OK)
        rc = put_element(b, "<h1>", str(w->title), "</h1>");
    if (rc == HILO_OK && asks)
        rc = put_element(b, "<p class=\"said\">", str_utf8_head(x->question, QUESTION_MAX), "</p>");
    if (rc == HILO_OK && about && !asks)
        rc = put_element(b, "<p><strong>", x->title, "</strong></p>");
    if (rc == HILO_OK && w->text)
        rc = put_element(b, "<p>", str(w->text), "</p>");
    if (rc == HILO_OK)
        rc = put_form(b, page, w, x);
    return rc == HILO_OK ? buf_add_str(b, STR("</main></body></html>\n")) : rc;
}
