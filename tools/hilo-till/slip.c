/*
 * A slip on the store's printer: asked for from the slip that is on the screen, and in the bar what becomes
 * of it. It goes through the queue, so that an answer that is lost prints nothing twice.
 */
#include "ui.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Why a printer does not print, as PROTOCOL.md names it. */
static const struct form_choice reasons[] = {
    {"paper_out", "no paper", "sin papel"},
    {"paper_low", "paper runs out", "poco papel"},
    {"cover_open", "its cover is open", "tapa abierta"},
    {"cutter", "its cutter is stuck", "cuchilla trabada"},
    {"hot", "it is too hot", "recalentada"},
    {"offline", "it is off line", "desconectada"},
    {"unreachable", "it can't be reached", "no se alcanza"},
    {"connection_lost", "its line broke", "se cortó la conexión"},
    {"no_answer", "it does not answer", "no responde"},
    {"stalled", "it takes nothing", "no recibe"},
    {"error", "it has an error", "con error"},
    {"slip", "the slip can't be printed", "el tiquete no se puede imprimir"},
    {NULL, NULL, NULL},
};

static const char *slip__reason(const struct ui *ui, const char *reason)
{
    const struct form_choice *r;

    for (r = reasons; r->value; r++)
        if (strcmp(r->value, reason) == 0)
            return SAY(ui, r->en, r->es);
    return reason;
}

void slip_print(struct ui *ui)
{
    char *params = cJSON_PrintUnformatted(ui->slip);
    struct hilotill_error e;

    if (hilotill_queue(ui->t, "slip.print", params, ui->print_id, &e) == HILOTILL_OK)
        ui_say(ui, "%s", SAY(ui, "slip: to the printer …", "tiquete: a la impresora …"));
    else
        ui_complain(ui, "%s", e.text);
    cJSON_free(params);
}

bool slip_answer(struct ui *ui, const struct hilotill_answer *a)
{
    cJSON *o;

    if (!ui->print_id[0] || strcmp(ui->print_id, a->id) != 0)
        return false;
    ui->print_id[0] = 0;
    o = cJSON_Parse(a->code ? a->data : a->result);
    if (a->code && strcmp(app_text(o, "reason"), "no_printer") == 0)
        ui_complain(ui, "%s", SAY(ui, "no printer serves this till", "ninguna impresora sirve a esta caja"));
    else if (a->code)
        ui_complain(ui, "%s: %s", SAY(ui, "the slip is not printed", "el tiquete no se imprime"), a->error);
    else
        ui_say(ui, "%s (%s)", SAY(ui, "slip queued", "tiquete en cola"), app_text(o, "printer"));
    cJSON_Delete(o);
    return true;
}

void slip_status(struct ui *ui, const cJSON *p)
{
    const char *status = app_text(p, "status"), *reason = app_text(p, "reason");
    const char *printer = app_text(p, "printer"), *what;
    bool bad = false;

    if (strcmp(status, "printed") == 0) {
        what = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(p, "confirmed"))
                   ? SAY(ui, "slip printed", "tiquete impreso")
                   : SAY(ui, "slip sent, not confirmed", "tiquete enviado, sin confirmar");
        reason = "";
    } else if (strcmp(status, "queued") == 0) {
        what = SAY(ui, "slip queued", "tiquete en cola");
    } else if (strcmp(status, "failed") == 0) {
        what = SAY(ui, "the slip failed", "el tiquete falló");
        bad = true;
    } else {
        what = SAY(ui, "look whether the slip is there", "mire si el tiquete salió");
        bad = true;
    }
    (bad ? ui_complain : ui_say)(ui, "%s (%s)%s%s", what, printer, reason[0] ? ": " : "",
                                 slip__reason(ui, reason));
}
