/*
 * What a clerk does: find a person, and what one key does with her. Writes go into the library's queue, so
 * they work without a line; what was done is on the screen at once, marked until the gateway has it.
 */
#include "ui.h"
#include <ncurses.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RPC_RATE = -32003, RPC_CARD = -32004 };

static const struct form_choice reasons[] = {
    {"claim", "claim", "reclamo"},        {"pickup", "pick-up", "recogida"},
    {"purchase", "purchase", "compra"},   {"appointment", "appointment", "cita"},
    {"question", "question", "consulta"}, {NULL, NULL, NULL},
};

/* ---- small things ------------------------------------------------------------------------------------- */

static void act__form(struct ui *ui, const char *title, bool (*done)(struct ui *, const struct form *))
{
    ui->form = (struct form){.title = title, .done = done};
    ui->over = OVER_FORM;
}

/* Adds a member from a field, unless it is empty. */
static void act__member(cJSON *o, const char *name, const struct form *f, unsigned i)
{
    char *v = form_value(f, i);

    if (v[0])
        cJSON_AddStringToObject(o, name, v);
    free(v);
}

/* Queues a write; o is taken over. Says that it is done, or why not. */
static bool act__queue(struct ui *ui, const char *method, cJSON *o, const char *done)
{
    char *params = cJSON_PrintUnformatted(o);
    struct hilotill_error e;
    int rc = hilotill_queue(ui->t, method, params, ui->queued_id, &e);

    cJSON_free(params);
    cJSON_Delete(o);
    if (rc == HILOTILL_OK)
        ui_say(ui, "%s", done);
    else
        ui_complain(ui, "%s", e.text);
    return rc == HILOTILL_OK;
}

static cJSON *act__for_customer(const struct ui *ui)
{
    cJSON *o = cJSON_CreateObject();

    cJSON_AddStringToObject(o, "customer", person_id(&ui->person));
    return o;
}

/* The case that the clerk works on: the chosen one, or the only one. */
static void act__case(const struct ui *ui, cJSON *o)
{
    const cJSON *c = person_pick(&ui->person, ROW_CASE);

    if (c)
        cJSON_AddStringToObject(o, "case", app_text(c, "id"));
}

/* ---- finding
 * ------------------------------------------------------------------------------------------------- */

static void act__found(struct ui *ui, const char *json, int64_t as_of_s, bool stale)
{
    cJSON *found = cJSON_Parse(json);

    if (!cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(found, "customer"))) {
        cJSON_Delete(found);
        ui_complain(ui, "%s", SAY(ui, "nobody is found by that", "no se encuentra a nadie con eso"));
        return;
    }
    person_set(&ui->person, found, as_of_s, stale);
    ui->view = VIEW_PERSON;
    edit_set(&ui->search, "");
    if (!stale)
        ui_say(ui, "%s", "");
}

/* Without a line: what was kept. That somebody looked is told to the gateway when there is one again. */
static void act__find_kept(struct ui *ui, const char *params, const char *why)
{
    struct hilotill_error e;
    const char *json;
    int64_t as_of;

    if (hilotill_cached(ui->t, "customer.find", params, &json, &as_of, &e) != HILOTILL_OK) {
        ui_complain(
            ui, "%s %s", why,
            SAY(ui, "(and nothing is kept of this person)", "(y no hay nada guardado de esta persona)"));
        return;
    }
    act__found(ui, json, as_of / 1000, true);
    if (hilotill_queue(ui->t, "customer.find", params, NULL, &e) != HILOTILL_OK)
        ui_complain(ui, "%s", e.text);
}

void act_find_by(struct ui *ui, cJSON *by)
{
    cJSON *o = cJSON_CreateObject();
    struct hilotill_error e;
    char *params;

    cJSON_AddItemToObject(o, "by", by);
    cJSON_AddStringToObject(o, "reason", ui->reason);
    params = cJSON_PrintUnformatted(o);
    cJSON_Delete(o);
    if (!ui->clerk[0]) {
        act_clerk(ui);
        ui_complain(ui, "%s", SAY(ui, "first: who are you?", "primero: ¿quién atiende?"));
    } else if (hilotill_request(ui->t, "customer.find", params, 1, ui->find_id, &e) == HILOTILL_OK) {
        ui_say(ui, "%s", SAY(ui, "looking …", "buscando …"));
        cJSON_free(ui->find_params);
        ui->find_params = params;
        return;
    } else if (e.code == HILOTILL_EOFFLINE) {
        act__find_kept(ui, params, e.text);
    } else {
        ui_complain(ui, "%s", e.text);
    }
    cJSON_free(params);
}

void act_find(struct ui *ui, const char *typed)
{
    cJSON *by = by_read(typed, ui->status.country);
    size_t i;

    for (i = 0; ui->view == VIEW_PERSON && i < ui->person.n_rows; i++)
        if (ui->person.rows[i].first && strcmp(app_text(ui->person.rows[i].o, "id"), typed) == 0) {
            cJSON_Delete(by);
            ui->person.at = i; /* a slip of this very person */
            person_move(&ui->person, 0, draw_list_height());
            return;
        }
    if (!by)
        ui_complain(ui, "%s",
                    SAY(ui,
                        "that is no document, telephone, e-mail, order or appointment code. For instance: CC "
                        "1020304050",
                        "eso no es un documento, teléfono, correo, pedido ni código de cita. Por ejemplo: CC "
                        "1020304050"));
    else
        act_find_by(ui, by);
}

void act_again(struct ui *ui)
{
    cJSON *by;

    if (!person_id(&ui->person)[0])
        return;
    by = cJSON_CreateObject();
    cJSON_AddStringToObject(by, "customer", person_id(&ui->person));
    act_find_by(ui, by);
}

static void act__more(struct ui *ui)
{
    cJSON *o = act__for_customer(ui);
    struct hilotill_error e;
    char *params;

    if (ui->person.cursor)
        cJSON_AddStringToObject(o, "cursor", ui->person.cursor);
    cJSON_AddNumberToObject(o, "limit", 50);
    params = cJSON_PrintUnformatted(o);
    if (hilotill_request(ui->t, "customer.timeline", params, 0, ui->more_id, &e) != HILOTILL_OK)
        ui_complain(ui, "%s", e.text);
    cJSON_free(params);
    cJSON_Delete(o);
}

static bool act__has(const cJSON *list, const char *id)
{
    const cJSON *o;

    cJSON_ArrayForEach(o, list)
    {
        if (id[0] && strcmp(app_text(o, "id"), id) == 0)
            return true;
    }
    return false;
}

/* Without a cursor the first page has what customer.find gave, too. */
static void act__more_answer(struct ui *ui, const char *json)
{
    cJSON *o = cJSON_Parse(json), *list = cJSON_GetObjectItemCaseSensitive(o, "timeline"), *entry;
    cJSON *have = cJSON_GetObjectItemCaseSensitive(ui->person.found, "timeline");
    const char *next = app_text(o, "next");

    while (have && (entry = cJSON_DetachItemFromArray(list, 0)))
        if (act__has(have, app_text(entry, "id")))
            cJSON_Delete(entry);
        else
            cJSON_AddItemToArray(have, entry);
    free(ui->person.cursor);
    ui->person.cursor = next[0] ? app_copy(next) : NULL;
    cJSON_DeleteItemFromObjectCaseSensitive(ui->person.found, "timeline_more");
    cJSON_AddBoolToObject(ui->person.found, "timeline_more", next[0] != 0);
    ui->person.width = 0;
    cJSON_Delete(o);
}

/* ---- who, and why
 * ------------------------------------------------------------------------------------------------ */

static bool act__clerk_done(struct ui *ui, const struct form *f)
{
    char *name = form_value(f, 0);
    struct hilotill_error e;
    bool ok = hilotill_set_clerk(ui->t, name, &e) == HILOTILL_OK;

    if (ok) {
        snprintf(ui->clerk, sizeof ui->clerk, "%s", name);
        ui_say(ui, "%s", "");
    } else {
        ui_complain(ui, "%s", e.text);
    }
    free(name);
    return ok;
}

void act_clerk(struct ui *ui)
{
    act__form(ui, SAY(ui, "Who stands at the till?", "¿Quién atiende?"), act__clerk_done);
    form_field(&ui->form, SAY(ui, "Name", "Nombre"), 60, false);
}

void act_reason(struct ui *ui)
{
    ui->reason_at = reasons[ui->reason_at + 1].value ? ui->reason_at + 1 : 0;
    snprintf(ui->reason, sizeof ui->reason, "%s", reasons[ui->reason_at].value);
    ui_say(ui, "%s %s", SAY(ui, "people are looked up because of:", "se busca a las personas por:"),
           SAY(ui, reasons[ui->reason_at].en, reasons[ui->reason_at].es));
}

/* ---- the keys on a person
 * ------------------------------------------------------------------------------------------- */

static bool act__note_done(struct ui *ui, const struct form *f)
{
    cJSON *o = cJSON_CreateObject();
    char *text = form_value(f, 0);
    bool ok;

    cJSON_AddStringToObject(o, "case", f->about);
    cJSON_AddStringToObject(o, "text", text);
    ok = act__queue(ui, "case.note", o, SAY(ui, "noted", "anotado"));
    if (ok)
        person_add(&ui->person, "note", text, ui->queued_id, ui_unix_s());
    free(text);
    return ok;
}

static void act__note(struct ui *ui)
{
    const cJSON *c = person_pick(&ui->person, ROW_CASE);

    if (!c) {
        ui_complain(ui, "%s",
                    SAY(ui, "choose a case first, or open one (o)", "elija primero un caso, o abra uno (o)"));
        return;
    }
    act__form(ui, SAY(ui, "Note for colleagues", "Nota para colegas"), act__note_done);
    snprintf(ui->form.about, sizeof ui->form.about, "%s", app_text(c, "id"));
    form_field(&ui->form, SAY(ui, "Note", "Nota"), 0, false);
}

static bool act__case_done(struct ui *ui, const struct form *f)
{
    cJSON *o = act__for_customer(ui);
    char *subject = form_value(f, 0), *note = form_value(f, 1), *params = NULL, reference[64],
         id[HILOTILL_ID];
    struct hilotill_error e;
    bool ok;

    cJSON_AddStringToObject(o, "subject", subject);
    params = cJSON_PrintUnformatted(o);
    cJSON_Delete(o);
    ok = hilotill_queue(ui->t, "case.open", params, id, &e) == HILOTILL_OK;
    cJSON_free(params);
    if (!ok) {
        ui_complain(ui, "%s", e.text);
    } else {
        person_add(&ui->person, "case", subject, id, ui_unix_s());
        ui_say(ui, "%s", SAY(ui, "case opened", "caso abierto"));
    }
    if (ok && note[0]) {
        /* The case has no id yet: the library fills it in. */
        snprintf(reference, sizeof reference, "=%s/case", id);
        o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "case", reference);
        cJSON_AddStringToObject(o, "text", note);
        if (act__queue(ui, "case.note", o, SAY(ui, "case opened", "caso abierto")))
            person_add(&ui->person, "note", note, ui->queued_id, ui_unix_s());
    }
    free(subject);
    free(note);
    return ok;
}

static void act__open_case(struct ui *ui)
{
    act__form(ui, SAY(ui, "New case", "Caso nuevo"), act__case_done);
    form_field(&ui->form, SAY(ui, "What is it about", "De qué se trata"), 300, false);
    form_field(&ui->form, SAY(ui, "Note", "Nota"), 0, true);
}

static bool act__close_done(struct ui *ui, const struct form *f)
{
    cJSON *o = cJSON_CreateObject(), *c = person_pick(&ui->person, ROW_CASE);

    if (f->field[0].choice == 0) { /* no */
        cJSON_Delete(o);
        return true;
    }
    cJSON_AddStringToObject(o, "case", f->about);
    if (!act__queue(ui, "case.close", o, SAY(ui, "case closed", "caso cerrado")))
        return false;
    if (c && strcmp(app_text(c, "id"), f->about) == 0) {
        cJSON_DeleteItemFromObjectCaseSensitive(c, "status");
        cJSON_AddStringToObject(c, "status", "closed");
        ui->person.width = 0;
    }
    return true;
}

static void act__close(struct ui *ui)
{
    static const struct form_choice yes[] = {{"no", "no", "no"}, {"yes", "yes", "sí"}, {NULL, NULL, NULL}};
    const cJSON *c = person_pick(&ui->person, ROW_CASE);

    if (!c) {
        ui_complain(ui, "%s", SAY(ui, "choose a case first", "elija primero un caso"));
        return;
    }
    act__form(ui, SAY(ui, "Close this case?", "¿Cerrar este caso?"), act__close_done);
    snprintf(ui->form.about, sizeof ui->form.about, "%s", app_text(c, "id"));
    form_field(&ui->form, SAY(ui, "Close it", "Cerrarlo"), 0, false)->choices = yes;
}

static void act__checkin(struct ui *ui)
{
    cJSON *a = person_pick(&ui->person, ROW_APPOINTMENT), *o;
    const char *status = app_text(a, "status");

    if (!a) {
        ui_complain(ui, "%s", SAY(ui, "choose an appointment first", "elija primero una cita"));
        return;
    }
    if (strcmp(status, "booked") != 0 && strcmp(status, "confirmed") != 0) {
        ui_complain(ui, "%s", SAY(ui, "this appointment waits for nobody", "esta cita no espera a nadie"));
        return;
    }
    o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "appointment", app_text(a, "id"));
    if (!act__queue(ui, "appointment.checkin", o, SAY(ui, "checked in", "llegada registrada")))
        return;
    cJSON_DeleteItemFromObjectCaseSensitive(a, "status");
    cJSON_AddStringToObject(a, "status", "checked_in");
    cJSON_AddStringToObject(a, "queued", ui->queued_id);
    ui->person.width = 0;
}

static bool act__wish_done(struct ui *ui, const struct form *f)
{
    cJSON *o = act__for_customer(ui), *wish = cJSON_CreateObject(), *list;

    act__member(o, "sku", f, 0);
    act__member(o, "size", f, 1);
    act__member(o, "colour", f, 2);
    act__member(wish, "sku", f, 0);
    act__member(wish, "size", f, 1);
    act__member(wish, "colour", f, 2);
    if (!act__queue(ui, "wish.add", o,
                    SAY(ui, "she will be told when it is there", "se le avisará cuando llegue"))) {
        cJSON_Delete(wish);
        return false;
    }
    list = cJSON_GetObjectItemCaseSensitive(ui->person.found, "wishes");
    if (!list)
        list = cJSON_AddArrayToObject(ui->person.found, "wishes");
    cJSON_AddStringToObject(wish, "status", "waiting");
    cJSON_AddStringToObject(wish, "queued", ui->queued_id);
    cJSON_InsertItemInArray(list, 0, wish);
    ui->person.width = 0;
    return true;
}

static void act__wish(struct ui *ui)
{
    act__form(ui, SAY(ui, "Tell her when it is there", "Avisarle cuando llegue"), act__wish_done);
    form_field(&ui->form, SAY(ui, "Article (SKU)", "Artículo (SKU)"), 64, false);
    form_field(&ui->form, SAY(ui, "Size", "Talla"), 32, true);
    form_field(&ui->form, SAY(ui, "Colour", "Color"), 32, true);
}

static bool act__sale_done(struct ui *ui, const struct form *f)
{
    cJSON *o = act__for_customer(ui);
    char *number = form_value(f, 0), *total = form_value(f, 1), *comma = strchr(total, ','), line[200];
    bool ok;

    if (comma && !strchr(total, '.'))
        *comma = '.'; /* 129900,50 */
    cJSON_AddStringToObject(o, "number", number);
    cJSON_AddStringToObject(o, "total", total);
    act__member(o, "currency", f, 2);
    act__case(ui, o);
    ok = act__queue(ui, "sale.record", o, SAY(ui, "sale recorded", "venta registrada"));
    if (ok) {
        snprintf(line, sizeof line, "%s  %s", number, total);
        person_add(&ui->person, SAY(ui, "sale", "venta"), line, ui->queued_id, ui_unix_s());
    }
    free(number);
    free(total);
    return ok;
}

static void act__sale(struct ui *ui)
{
    static const char *const money[][2] = {{"CO", "COP"}, {"MX", "MXN"}, {"PE", "PEN"}, {"CL", "CLP"},
                                           {"AR", "ARS"}, {"BR", "BRL"}, {"ES", "EUR"}};
    struct form_field *currency;
    size_t i;

    act__form(ui, SAY(ui, "Sale", "Venta"), act__sale_done);
    form_field(&ui->form, SAY(ui, "Invoice number", "Número de factura"), 64, false);
    form_field(&ui->form, "Total", 20, false);
    currency = form_field(&ui->form, SAY(ui, "Currency", "Moneda"), 3, false);
    for (i = 0; i < sizeof money / sizeof money[0]; i++)
        if (strcmp(money[i][0], ui->status.country) == 0)
            edit_set(&currency->edit, money[i][1]);
}

static bool act__visit_done(struct ui *ui, const struct form *f)
{
    cJSON *o = act__for_customer(ui);
    char *purpose = form_value(f, 0);
    bool ok;

    if (purpose[0])
        cJSON_AddStringToObject(o, "purpose", purpose);
    act__case(ui, o);
    ok = act__queue(ui, "visit.record", o, SAY(ui, "visit recorded", "visita registrada"));
    if (ok)
        person_add(&ui->person, SAY(ui, "visit", "visita"), purpose, ui->queued_id, ui_unix_s());
    free(purpose);
    return ok;
}

static bool act__message_done(struct ui *ui, const struct form *f)
{
    cJSON *o = cJSON_CreateObject(), *to = cJSON_AddObjectToObject(o, "to"), *content;
    char *text = form_value(f, 0);
    bool ok;

    cJSON_AddStringToObject(to, "customer", person_id(&ui->person));
    cJSON_AddStringToObject(o, "category", "service");
    content = cJSON_AddObjectToObject(o, "content");
    cJSON_AddStringToObject(content, "type", "text");
    cJSON_AddStringToObject(content, "text", text);
    act__member(o, "channel", f, 1);
    act__case(ui, o);
    ok = act__queue(ui, "message.send", o, SAY(ui, "message handed over", "mensaje entregado a la pasarela"));
    if (ok)
        person_add(&ui->person, "outbound", text, ui->queued_id, ui_unix_s());
    free(text);
    return ok;
}

/* The channel that she used last is where she reads. */
static const char *act__last_channel(const struct ui *ui)
{
    const cJSON *o;

    cJSON_ArrayForEach(o, cJSON_GetObjectItemCaseSensitive(
                              ui->person.found, "timeline")) if (strcmp(app_text(o, "kind"), "inbound") ==
                                                                 0) return app_text(o, "channel");
    return "";
}

static void act__message(struct ui *ui)
{
    act__form(ui, SAY(ui, "Message to the customer", "Mensaje al cliente"), act__message_done);
    form_field(&ui->form, SAY(ui, "Text", "Texto"), 0, false);
    edit_set(&form_field(&ui->form, SAY(ui, "Channel", "Canal"), 64, true)->edit, act__last_channel(ui));
}

static bool act__consent_done(struct ui *ui, const struct form *f)
{
    cJSON *o = act__for_customer(ui), *proof, *list, *one;
    char *category = form_value(f, 0), *state = form_value(f, 1);
    bool ok;

    cJSON_AddStringToObject(o, "category", category);
    cJSON_AddStringToObject(o, "state", state);
    proof = cJSON_AddObjectToObject(o, "proof");
    act__member(proof, "how", f, 2);
    act__member(proof, "reference", f, 3);
    ok = act__queue(ui, "consent.set", o, SAY(ui, "consent recorded", "consentimiento registrado"));
    if (ok) {
        list = cJSON_GetObjectItemCaseSensitive(ui->person.found, "consents");
        if (!list)
            list = cJSON_AddArrayToObject(ui->person.found, "consents");
        one = cJSON_CreateObject();
        cJSON_AddStringToObject(one, "category", category);
        cJSON_AddStringToObject(one, "state", state);
        cJSON_InsertItemInArray(list, 0, one);
    }
    free(category);
    free(state);
    return ok;
}

static void act__consent(struct ui *ui)
{
    static const struct form_choice category[] = {{"promotional", "promotional", "promociones"},
                                                  {"service", "service", "servicio"},
                                                  {"transactional", "transactional", "transaccional"},
                                                  {NULL, NULL, NULL}};
    static const struct form_choice state[] = {{"granted", "wants them", "los quiere"},
                                               {"denied", "does not want them", "no los quiere"},
                                               {NULL, NULL, NULL}};
    static const struct form_choice how[] = {{"spoken", "said so", "de palabra"},
                                             {"signature", "signed", "con firma"},
                                             {"screen", "on the screen", "en la pantalla"},
                                             {"paper", "on paper", "en papel"},
                                             {NULL, NULL, NULL}};

    act__form(ui, SAY(ui, "Consent to messages", "Consentimiento para mensajes"), act__consent_done);
    form_field(&ui->form, SAY(ui, "Of this kind", "De este tipo"), 0, false)->choices = category;
    form_field(&ui->form, SAY(ui, "The customer", "El cliente"), 0, false)->choices = state;
    form_field(&ui->form, SAY(ui, "How", "Cómo"), 0, false)->choices = how;
    form_field(&ui->form, SAY(ui, "Form number", "Número de formulario"), 64, true);
}

static void act__slip(struct ui *ui)
{
    static const struct {
        enum row_kind row;
        const char *kind;
    } kinds[] = {{ROW_CASE, "case"}, {ROW_APPOINTMENT, "appointment"}, {ROW_WISH, "wish"}};
    const struct person *p = &ui->person;
    enum row_kind chosen = p->at < p->n_rows ? p->rows[p->at].kind : ROW_NONE;
    struct hilotill_error e;
    cJSON *o;
    char *params;
    size_t i;

    for (i = 0; i < 3 && kinds[i].row != chosen; i++)
        ;
    if (i == 3 || !app_text(p->rows[p->at].o, "id")[0]) {
        ui_complain(ui, "%s",
                    SAY(ui, "choose a case, an appointment or a wish for the slip",
                        "elija un caso, una cita o un deseo para el tiquete"));
        return;
    }
    o = act__for_customer(ui);
    cJSON_AddStringToObject(o, "kind", kinds[i].kind);
    cJSON_AddStringToObject(o, "id", app_text(p->rows[p->at].o, "id"));
    cJSON_AddStringToObject(o, "language", SAY(ui, "en", "es"));
    cJSON_Delete(ui->slip);
    ui->slip = cJSON_Duplicate(o, 1);
    cJSON_AddStringToObject(o, "format", "text");
    params = cJSON_PrintUnformatted(o);
    if (hilotill_request(ui->t, "slip.render", params, 0, ui->slip_id, &e) != HILOTILL_OK)
        ui_complain(ui, "%s", e.text);
    cJSON_free(params);
    cJSON_Delete(o);
}

void act_key(struct ui *ui, wint_t c)
{
    switch (c) {
    case 'n':
        act__note(ui);
        break;
    case 'o':
        act__open_case(ui);
        break;
    case 'x':
        act__close(ui);
        break;
    case 'c':
        act__checkin(ui);
        break;
    case 'w':
        act__wish(ui);
        break;
    case 's':
        act__sale(ui);
        break;
    case 'v':
        act__form(ui, SAY(ui, "Visit", "Visita"), act__visit_done);
        form_field(&ui->form, SAY(ui, "What for", "Para qué"), 200, true);
        break;
    case 'm':
        act__message(ui);
        break;
    case 'k':
        act__consent(ui);
        break;
    case 't':
        act__slip(ui);
        break;
    case 'r':
        act_again(ui);
        break;
    default:
        break;
    }
}

void act_open(struct ui *ui)
{
    const struct person *p = &ui->person;
    const struct row *row = p->at < p->n_rows ? &p->rows[p->at] : NULL;
    const char *media, *message, *mime;

    if (!row)
        return;
    if (row->kind == ROW_REST) {
        act__more(ui);
        return;
    }
    media = row->kind == ROW_ENTRY ? person_media(row->o, &message, &mime) : "";
    if (media[0])
        media_fetch(ui, media, message, mime);
    else if (row->kind == ROW_ENTRY && app_text(row->o, "content.text")[0])
        ui_show_text(ui, SAY(ui, "Message", "Mensaje"), app_copy(app_text(row->o, "content.text")));
}

/* ---- what comes from the gateway
 * ------------------------------------------------------------------------------------ */

static bool act__is(char id[HILOTILL_ID], const struct hilotill_answer *a)
{
    if (!id[0] || strcmp(id, a->id) != 0)
        return false;
    id[0] = 0;
    return true;
}

static void act__refused(struct ui *ui, const struct hilotill_answer *a)
{
    if (a->code == RPC_CARD)
        ui_complain(ui, "%s",
                    SAY(ui, "refused: there is a card number in it. Never write those here",
                        "rechazado: contiene un número de tarjeta. Nunca los escriba aquí"));
    else if (a->code == RPC_RATE)
        ui_complain(ui, "%s",
                    SAY(ui, "too many look-ups: wait a minute", "demasiadas búsquedas: espere un minuto"));
    else if (a->queued)
        ui_complain(ui, "%s (%s): %s", SAY(ui, "refused, F3 shows it", "rechazado, F3 lo muestra"), a->method,
                    a->error);
    else
        ui_complain(ui, "%s", a->error);
}

static void act__slip_answer(struct ui *ui, const char *json)
{
    cJSON *o = cJSON_Parse(json);
    const char *data = app_text(o, "data");
    char *text = app_alloc(strlen(data) + 4);

    if (app_base64(data, text) >= 0) {
        ui_show_text(ui, SAY(ui, "Slip", "Tiquete"), text);
        ui->slip_shown = ui->slip != NULL;
    } else {
        free(text);
    }
    cJSON_Delete(o);
}

void act_answer(struct ui *ui, const struct hilotill_answer *a)
{
    if (media_answer(ui, a) || slip_answer(ui, a))
        return;
    if (act__is(ui->find_id, a)) {
        if (a->code == HILOTILL_ELOST)
            act__find_kept(ui, ui->find_params, a->error);
        else if (a->code)
            act__refused(ui, a);
        else
            act__found(ui, a->result, ui_unix_s(), false);
    } else if (act__is(ui->more_id, a)) {
        if (a->code)
            act__refused(ui, a);
        else
            act__more_answer(ui, a->result);
    } else if (act__is(ui->slip_id, a)) {
        if (a->code)
            act__refused(ui, a);
        else
            act__slip_answer(ui, a->result);
    } else if (a->queued) {
        person_answered(&ui->person, a->id, a->code != 0);
        if (a->code)
            act__refused(ui, a);
    }
}

static void act__notice(struct ui *ui, const char *text, const char *by, const char *value)
{
    struct notice *n;

    if (ui->n_notices == NOTICES) {
        free(ui->notices[NOTICES - 1].text);
        ui->n_notices--;
    }
    memmove(ui->notices + 1, ui->notices, ui->n_notices * sizeof *n);
    n = &ui->notices[0];
    ui->n_notices++;
    n->text = app_copy(text);
    snprintf(n->by, sizeof n->by, "%s", by);
    snprintf(n->value, sizeof n->value, "%s", value);
}

static void act__arriving(struct ui *ui, const cJSON *p)
{
    struct text t = {0};
    bool here = strcmp(app_text(p, "why"), "checked_in") == 0;

    text_add(&t, here ? SAY(ui, "A customer is here: ", "Llegó un cliente: ")
                      : SAY(ui, "A customer is about to come: ", "Está por llegar un cliente: "));
    text_time(&t, ui->app->spanish, app_text(p, "appointment.starts_at"), ui_unix_s());
    text_add(&t, " ");
    text_shown(&t, app_text(p, "appointment.subject"));
    if (app_text(p, "appointment.code")[0]) {
        text_add(&t, " ");
        text_shown(&t, app_text(p, "appointment.code"));
    }
    if (app_text(p, "customer")[0])
        act__notice(ui, text_z(&t), "customer", app_text(p, "customer"));
    else
        act__notice(ui, text_z(&t), "appointment", app_text(p, "appointment.code"));
    text_done(&t);
}

static void act__told(struct ui *ui, const struct hilotill_push *push, const cJSON *p)
{
    struct text t = {0};

    if (strcmp(push->method, "customer.arriving") == 0) {
        act__arriving(ui, p);
        return;
    }
    if (strcmp(push->method, "case.updated") == 0) {
        text_add(&t, SAY(ui, "A case changed: ", "Cambió un caso: "));
        text_shown(&t, app_text(p, "case.subject"));
    } else {
        text_add(&t, SAY(ui, "Keep one for a customer: ", "Guarde uno para un cliente: "));
        text_shown(&t, app_text(p, "sku"));
        text_add(&t, " ");
        text_shown(&t, app_text(p, "size"));
        text_add(&t, " ");
        text_shown(&t, app_text(p, "colour"));
        if (app_text(p, "until")[0]) {
            text_add(&t, SAY(ui, " until ", " hasta "));
            text_time(&t, ui->app->spanish, app_text(p, "until"), ui_unix_s());
        }
    }
    act__notice(ui, text_z(&t), "customer", app_text(p, "customer"));
    text_done(&t);
}

void act_push(struct ui *ui, const struct hilotill_push *push)
{
    bool ask = strcmp(push->method, "choice.ask") == 0;
    cJSON *p = cJSON_Parse(push->params);
    struct hilotill_error e;

    if (ask || strcmp(push->method, "message.show") == 0) {
        if (ui->n_shown == SHOWN) { /* it comes again */
            cJSON_Delete(p);
            return;
        }
        ui->shown[ui->n_shown].params = p;
        ui->shown[ui->n_shown].ask = ask;
        snprintf(ui->shown[ui->n_shown++].id, sizeof ui->shown[0].id, "%s", push->id);
        act_show_next(ui);
        return;
    }
    if (strcmp(push->method, "customer.arriving") == 0 || strcmp(push->method, "case.updated") == 0 ||
        strcmp(push->method, "stock.arrived") == 0 || strcmp(push->method, "print.status") == 0) {
        if (strcmp(push->method, "print.status") == 0) {
            slip_status(ui, p);
        } else {
            act__told(ui, push, p);
            beep();
        }
        if (hilotill_push_done(ui->t, push->id, NULL, &e) != HILOTILL_OK)
            ui_complain(ui, "%s", e.text);
    } else if (hilotill_push_refuse(ui->t, push->id, "this till does not do that", &e) != HILOTILL_OK) {
        ui_complain(ui, "%s", e.text);
    }
    cJSON_Delete(p);
}

void act_newest_notice(struct ui *ui)
{
    struct notice n;
    cJSON *by;

    if (!ui->n_notices)
        return;
    n = ui->notices[0];
    ui->n_notices--;
    memmove(ui->notices, ui->notices + 1, ui->n_notices * sizeof n);
    free(n.text);
    if (!n.value[0])
        return;
    by = cJSON_CreateObject();
    cJSON_AddStringToObject(by, n.by, n.value);
    act_find_by(ui, by);
}

/* ---- what the customer is shown
 * ---------------------------------------------------------------------------------------- */

/* The oldest one, when nothing else is in the way: only then it is acknowledged. */
void act_show_next(struct ui *ui)
{
    struct hilotill_error e;

    if (ui->over != OVER_NONE || !ui->n_shown)
        return;
    ui->over = ui->shown[0].ask ? OVER_ASK : OVER_SHOW;
    if (hilotill_push_done(ui->t, ui->shown[0].id, NULL, &e) != HILOTILL_OK)
        ui_complain(ui, "%s", e.text);
}

void act_shown_done(struct ui *ui)
{
    cJSON_Delete(ui->shown[0].params);
    ui->n_shown--;
    memmove(ui->shown, ui->shown + 1, ui->n_shown * sizeof ui->shown[0]);
    ui->over = OVER_NONE;
    act_show_next(ui);
}

void act_choice(struct ui *ui, unsigned i)
{
    const cJSON *p = ui->shown[0].params;
    const cJSON *choice = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(p, "choices"), (int)i);
    cJSON *o;

    if (!choice)
        return;
    o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "message", app_text(p, "message"));
    cJSON_AddStringToObject(o, "choice", app_text(choice, "id"));
    if (app_text(choice, "title")[0])
        cJSON_AddStringToObject(o, "title", app_text(choice, "title"));
    if (act__queue(ui, "choice.answer", o, SAY(ui, "answered", "respondido")))
        act_shown_done(ui);
}

/* ---- the queue
 * ------------------------------------------------------------------------------------------------------------
 */

static int act__item(void *arg, const struct hilotill_item *item)
{
    cJSON *o = cJSON_CreateObject();

    cJSON_AddStringToObject(o, "id", item->id);
    cJSON_AddStringToObject(o, "method", item->method);
    cJSON_AddItemToObject(o, "params", cJSON_Parse(item->params));
    cJSON_AddNumberToObject(o, "code", item->code);
    cJSON_AddStringToObject(o, "error", item->error ? item->error : "");
    cJSON_AddItemToArray(arg, o);
    return 0;
}

void act_queue_view(struct ui *ui)
{
    struct hilotill_error e;
    size_t n;

    cJSON_Delete(ui->items);
    ui->items = cJSON_CreateArray();
    if (hilotill_items(ui->t, act__item, ui->items, &e) != HILOTILL_OK)
        ui_complain(ui, "%s", e.text);
    n = (size_t)cJSON_GetArraySize(ui->items);
    if (ui->item_at >= n)
        ui->item_at = n ? n - 1 : 0;
    ui->view = VIEW_QUEUE;
}

void act_queue_key(struct ui *ui, wint_t c)
{
    const cJSON *item = cJSON_GetArrayItem(ui->items, (int)ui->item_at);
    struct hilotill_error e;
    int rc;

    if (!item || (c != 'd' && c != 'a'))
        return;
    rc = c == 'd' ? hilotill_dismiss(ui->t, app_text(item, "id"), &e)
                  : hilotill_again(ui->t, app_text(item, "id"), &e);
    if (rc != HILOTILL_OK)
        ui_complain(ui, "%s", e.text);
    else
        ui_say(ui, "%s",
               c == 'd' ? SAY(ui, "dismissed", "descartada")
                        : SAY(ui, "it is sent again", "se envía de nuevo"));
    act_queue_view(ui);
}
