/* The commands: their options and their help. hilo(1) says the same at length. */
#include "cli.h"

#define END                                                                                                  \
    {                                                                                                        \
        NULL, NULL, 0, false, NULL                                                                           \
    }
#define IDEMPOTENCY                                                                                          \
    {                                                                                                        \
        "idempotency-key", "KEY", 0, false, "done once, however often it is repeated with this"              \
    }

static const struct option_row send_options[] = {
    WHO_OPTIONS,
    {"customer", "ID", 0, false, "by a customer's id (cus_…)"},
    {"channel", "NAME", 'c', false, "the channel; by the routes if absent"},
    {"case", "ID", 0, false, "the case that it belongs to (cas_…)"},
    {"category", "WORD", 0, false, "service, transactional, promotional, authentication"},
    {"priority", "WORD", 0, false, "urgent, normal, bulk"},
    {"expires", "DURATION", 0, false, "give up after this: PT1H, P1D"},
    {"at", "TIME", 0, false, "send it then: 2026-12-24T09:00:00-05:00"},
    {"sender", "NAME", 0, false, "from this name or number, where the channel can"},
    {"flash", NULL, 0, false, "shown at once and not kept, where the channel can"},
    {"reply-to", "ID", 0, false, "the message that it answers (msg_…)"},
    {"language", "CODE", 'l', false, "the template's, or that of words the gateway adds"},
    IDEMPOTENCY,
    {"text", "TEXT", 't', false, "the text; the question of choices"},
    {"template", "NAME", 0, false, "a template approved by the provider"},
    {"body", "VALUE", 0, true, "next parameter of the template's body"},
    {"header", "TEXT", 0, true, "above choices; a parameter of the template's header"},
    {"footer", "TEXT", 0, false, "below choices"},
    {"choices", "ID=TITLE,…", 0, false, "what can be chosen"},
    {"choice", "ID=TITLE", 0, true, "one choice, whose title may have commas"},
    {"button", "TEXT", 0, false, "opens a list of choices"},
    {"media", "FILE", 'm', false, "a file, a media's id (med_…) or a URL"},
    {"kind", "WORD", 0, false, "image, audio, voice, video, document, sticker"},
    {"caption", "TEXT", 0, false, "goes with the media"},
    {"type", "TYPE/SUB", 0, false, "the file's media type, if its name does not tell"},
    {"subject", "TEXT", 0, false, "as of a mail; the first line elsewhere"},
    {"html", "FILE", 0, false, "how the text looks, where that can be shown"},
    {"attach", "FILE", 'a', true, "goes along: a file, a media's id or a URL"},
    {"content", "JSON", 0, false, "any other content, as POST /v1/messages takes it"},
    {"plan", NULL, 0, false, "send nothing; say what would become of it, and why"},
    END,
};
static const struct command c_send = {
    .name = "send",
    .operands = "[TEXT]",
    .operands_max = 1,
    .options = send_options,
    .summary = "send a message to a customer",
    .examples = "  hilo send --phone +573001112233 'Su cambio está listo'\n"
                "  hilo send --customer cus_… --template pedir_foto --language es --body Ana\n"
                "  hilo send --phone +573001112233 --media factura.pdf --caption 'Su factura'\n"
                "  hilo send --phone +573001112233 --text '¿Cambio o devolución?' \\\n"
                "      --choices 'exchange=Cambio,refund=Devolución'\n"
                "  hilo send --email ana@example.co --subject 'Su factura' 'Hola Ana' \\\n"
                "      --attach factura.pdf\n"
                "  hilo send --phone +573001112233 'Hola' --plan\n",
    .run = cmd_send,
};

static const struct option_row idempotency_options[] = {IDEMPOTENCY, END};
static const struct command c_message_show = {
    .name = "message",
    .verb = "show",
    .operands = "ID",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "a message, its status and how it came to it",
    .examples = "  hilo message show msg_01JDX3V5Q8E7Z2M4N6P8R0T2V4\n",
    .run = cmd_message_show,
};
static const struct command c_message_cancel = {
    .name = "message",
    .verb = "cancel",
    .operands = "ID",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "cancel a message that has not left",
    .examples = "  hilo message cancel msg_01JDX3V5Q8E7Z2M4N6P8R0T2V4\n",
    .run = cmd_message_cancel,
};
static const struct command c_message_read = {
    .name = "message",
    .verb = "read",
    .operands = "ID",
    .operands_min = 1,
    .operands_max = 1,
    .options = idempotency_options,
    .summary = "tell the customer's channel that a message was read",
    .examples = "  hilo message read msg_01JDX3V5Q8E7Z2M4N6P8R0T2V4\n",
    .run = cmd_message_read,
};

static const struct command c_message_typing = {
    .name = "message",
    .verb = "typing",
    .operands = "ID",
    .operands_min = 1,
    .operands_max = 1,
    .options = idempotency_options,
    .summary = "tell the customer's channel that a message is being answered",
    .examples = "  hilo message typing msg_01JDX3V5Q8E7Z2M4N6P8R0T2V4\n",
    .run = cmd_message_typing,
};

static const struct option_row customer_create_options[] = {
    {"name", "NAME", 0, false, "as people call the customer"},
    {"language", "CODE", 'l', false, "es, es-CO"},
    {"time-zone", "ZONE", 0, false, "America/Bogota"},
    {"attributes", "JSON", 0, false, "an object of your own"},
    WHO_OPTIONS,
    {"verified", NULL, 0, false, "the identifiers are known to be the customer's"},
    IDEMPOTENCY,
    END,
};
static const struct command c_customer_create = {
    .name = "customer",
    .verb = "create",
    .options = customer_create_options,
    .summary = "record a customer",
    .examples = "  hilo customer create --name 'Ana Gómez' --language es \\\n"
                "      --phone +573001112233 --document CO:CC:1020304050\n",
    .run = cmd_customer_create,
};
static const struct option_row who_options[] = {WHO_OPTIONS, END};
static const struct command c_customer_find = {
    .name = "customer",
    .verb = "find",
    .options = who_options,
    .summary = "customers by an identifier",
    .help = "Of several identifiers, whoever has any of them. It is no failure to find nobody.",
    .examples = "  hilo customer find --document CO:CC:1020304050\n",
    .run = cmd_customer_find,
};
static const struct command c_customer_show = {
    .name = "customer",
    .verb = "show",
    .operands = "ID",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "a customer with all identifiers",
    .examples = "  hilo customer show cus_01JDX3V5Q8E7Z2M4N6P8R0T2V4\n",
    .run = cmd_customer_show,
};
static const struct option_row customer_update_options[] = {
    {"name", "NAME", 0, false, "an empty value takes it away, here and below"},
    {"language", "CODE", 'l', false, "es, es-CO"},
    {"time-zone", "ZONE", 0, false, "America/Bogota"},
    {"attributes", "JSON", 0, false, "an object instead of the one that was there"},
    {"add", "SCHEME=VALUE", 0, true, "add an identifier"},
    {"remove", "SCHEME=VALUE", 0, true, "remove an identifier"},
    {"verified", NULL, 0, false, "those added are known to be the customer's"},
    END,
};
static const struct command c_customer_update = {
    .name = "customer",
    .verb = "update",
    .operands = "ID",
    .operands_min = 1,
    .operands_max = 1,
    .options = customer_update_options,
    .summary = "change a customer",
    .help = "Schemes: phone, email, document, whatsapp, loyalty, web_visitor.",
    .examples = "  hilo customer update cus_… --name 'Ana Gómez Ruiz' --add email=ana@example.com\n"
                "  hilo customer update cus_… --remove phone=+573001112233\n",
    .run = cmd_customer_update,
};

static const struct option_row customer_consent_options[] = {
    {"channel", "NAME", 'c', false, "only on this channel; else everywhere"},
    {"channel-type", "TYPE", 0, false, "only on channels of this type: whatsapp, sms"},
    {"proof", "TEXT", 0, false, "how it is known: a form's number, a recording"},
    END,
};
static const struct command c_customer_consent = {
    .name = "customer",
    .verb = "consent",
    .operands = "ID [CATEGORY granted|denied]",
    .operands_min = 1,
    .operands_max = 3,
    .options = customer_consent_options,
    .summary = "which messages a customer wants",
    .help = "Categories: service, transactional, promotional, authentication. Denied, nothing of the\n"
            "category leaves any more, whatever was queued before.",
    .examples = "  hilo customer consent cus_01JDX3V5Q8E7Z2M4N6P8R0T2V4\n"
                "  hilo customer consent cus_… promotional denied --proof 'call of 27 Nov'\n"
                "  hilo customer consent cus_… promotional granted --channel whatsapp-co --proof 'form 17'\n",
    .run = cmd_customer_consent,
};

static const struct option_row case_open_options[] = {
    {"customer", "ID", 0, false, "whose it is (cus_…)"},
    WHO_OPTIONS,
    {"subject", "TEXT", 's', false, "what it is about"},
    {"owner", "NAME", 0, false, "who takes care of it"},
    {"status", "WORD", 0, false, "open, pending, closed"},
    IDEMPOTENCY,
    END,
};
static const struct command c_case_open = {
    .name = "case",
    .verb = "open",
    .options = case_open_options,
    .summary = "open a case for a customer",
    .examples = "  hilo case open --phone +573001112233 --subject 'Televisor averiado' --owner Luis\n",
    .run = cmd_case_open,
};
static const struct option_row case_list_options[] = {
    {"status", "WORD", 0, false, "open, pending, closed"},
    {"owner", "NAME", 0, false, "taken care of by"},
    {"customer", "ID", 0, false, "of a customer (cus_…)"},
    PAGE_OPTIONS,
    END,
};
static const struct command c_case_list = {
    .name = "case",
    .verb = "list",
    .options = case_list_options,
    .summary = "cases, the last changed first",
    .examples = "  hilo case list --status open --owner Luis\n",
    .run = cmd_case_list,
};
static const struct command c_case_show = {
    .name = "case",
    .verb = "show",
    .operands = "ID",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "a case and its messages on all channels",
    .help = "With --json the case alone; hilo case messages for the others.",
    .examples = "  hilo case show cas_01JDX3V5Q8E7Z2M4N6P8R0T2V4\n",
    .run = cmd_case_show,
};
static const struct option_row page_options[] = {PAGE_OPTIONS, END};
static const struct command c_case_messages = {
    .name = "case",
    .verb = "messages",
    .operands = "ID",
    .operands_min = 1,
    .operands_max = 1,
    .options = page_options,
    .summary = "a case's messages, the oldest first",
    .examples = "  hilo case messages cas_01JDX3V5Q8E7Z2M4N6P8R0T2V4 --json\n",
    .run = cmd_case_messages,
};
static const struct option_row case_update_options[] = {
    {"status", "WORD", 0, false, "open, pending, closed"},
    {"subject", "TEXT", 's', false, "what it is about; empty: nothing"},
    {"owner", "NAME", 0, false, "who takes care of it; empty: nobody"},
    END,
};
static const struct command c_case_update = {
    .name = "case",
    .verb = "update",
    .operands = "ID",
    .operands_min = 1,
    .operands_max = 1,
    .options = case_update_options,
    .summary = "change a case",
    .examples = "  hilo case update cas_… --status closed\n",
    .run = cmd_case_update,
};

#define AT_COUNTER                                                                                           \
    {"store", "NAME", 0, false, "the store"}, {"terminal", "NAME", 0, false, "the terminal"},                \
    {                                                                                                        \
        "clerk", "NAME", 0, false, "who is there"                                                            \
    }
static const struct option_row case_note_options[] = {AT_COUNTER, IDEMPOTENCY, END};
static const struct command c_case_note = {
    .name = "case",
    .verb = "note",
    .operands = "ID TEXT",
    .operands_min = 2,
    .operands_max = 2,
    .options = case_note_options,
    .summary = "write something down about a case; it is never sent",
    .examples = "  hilo case note cas_… 'Trae el control y la factura' --clerk luz\n",
    .run = cmd_case_note,
};

/* ---- stores ---------------------------------------------------------------------------------- */

static const struct option_row customer_lookup_options[] = {
    {"customer", "ID", 0, false, "by a customer's id (cus_…)"},
    {"phone", "+NUMBER", 0, false, "by telephone number, E.164 (+573001112233)"},
    {"email", "ADDRESS", 0, false, "by email address"},
    {"document", "CC:TYPE:N", 0, false, "by identity document (CO:CC:1020304050)"},
    {"loyalty", "ID", 0, false, "by loyalty number"},
    {"appointment", "CODE", 0, false, "by the code of an open appointment"},
    {"order", "NUMBER", 0, false, "by the number of a sale"},
    {"case", "ID", 0, false, "by a case's id (cas_…), as a slip has it"},
    {"reason", "TEXT", 0, false, "why; kept with the look-up; needed"},
    AT_COUNTER,
    {"limit", "N", 'n', false, "so many of the newest messages (20; 200 at most)"},
    END,
};
static const struct command c_customer_lookup = {
    .name = "customer",
    .verb = "lookup",
    .options = customer_lookup_options,
    .summary = "all that is known of who stands at a counter; written down",
    .help = "By one whole identifier. Who looked, where and why is kept, found or not: hilo audit.",
    .examples = "  hilo customer lookup --document CO:CC:1020304050 --reason warranty --store centro\n"
                "  hilo customer lookup --order F-1001 --reason exchange --clerk luz --json\n",
    .run = cmd_customer_lookup,
};
static const struct option_row audit_options[] = {
    {"customer", "ID", 0, false, "of a customer (cus_…)"},
    AT_COUNTER,
    {"from", "TIME", 0, false, "then or later"},
    {"to", "TIME", 0, false, "before then"},
    PAGE_OPTIONS,
    END,
};
static const struct command c_audit = {
    .name = "audit",
    .options = audit_options,
    .summary = "who looked at whom, where and why",
    .examples = "  hilo audit --store centro --from 2026-11-27T00:00:00Z\n"
                "  hilo audit --customer cus_01JDX3V5Q8E7Z2M4N6P8R0T2V4 --limit 200\n",
    .run = cmd_audit,
};
#define VARIANT                                                                                              \
    {"size", "TEXT", 0, false, "in this size; any if absent"},                                               \
    {                                                                                                        \
        "colour", "TEXT", 0, false, "in this colour; any if absent"                                          \
    }
static const struct option_row stock_available_options[] = {
    {"quantity", "N", 0, false, "how many there are; needed"},
    VARIANT,
    {"title", "TEXT", 0, false, "what it is called in the message; the SKU if absent"},
    {"link", "URL", 0, false, "where to buy it"},
    {"text", "TEXT", 't', false, "what is said, with {name}, {title}, {link}, {size}, {colour}, {store}"},
    {"content", "JSON", 0, false, "any content instead, as POST /v1/messages takes it"},
    {"hold", "DURATION", 0, false, "how long it is held for who was told: PT2H"},
    {"rate", "N", 0, false, "tell so many a second"},
    {"channel", "NAME", 'c', false, "by this one and no other"},
    {"category", "WORD", 0, false, "service, transactional, promotional"},
    AT_COUNTER,
    IDEMPOTENCY,
    END,
};
static const struct command c_stock_available = {
    .name = "stock",
    .verb = "available",
    .operands = "SKU",
    .operands_min = 1,
    .operands_max = 1,
    .options = stock_available_options,
    .summary = "it is there: tell those who wait, in their order",
    .help = "Each once, never more at a time than are left. What is held lapses, and the next is told.",
    .examples = "  hilo stock available CAM-7 --quantity 3 --size M --title 'Camisa azul' \\\n"
                "      --link https://tienda.example/cam-7\n",
    .run = cmd_stock_available,
};
static const struct option_row stock_subscribe_options[] = {
    {"customer", "ID", 0, false, "for whom (cus_…)"},
    WHO_OPTIONS,
    VARIANT,
    {"link", "URL", 0, false, "where to buy it"},
    {"channel", "NAME", 'c', false, "tell by this one and no other"},
    {"case", "ID", 0, false, "the case that it belongs to (cas_…)"},
    AT_COUNTER,
    IDEMPOTENCY,
    END,
};
static const struct command c_stock_subscribe = {
    .name = "stock",
    .verb = "subscribe",
    .operands = "SKU",
    .operands_min = 1,
    .operands_max = 1,
    .options = stock_subscribe_options,
    .summary = "a customer wants to be told when it is there",
    .examples = "  hilo stock subscribe CAM-7 --document CO:CC:1020304050 --size M --store centro\n",
    .run = cmd_stock_subscribe,
};
static const struct option_row stock_list_options[] = {PAGE_OPTIONS, END};
static const struct command c_stock_list = {
    .name = "stock",
    .verb = "list",
    .operands = "SKU",
    .operands_min = 1,
    .operands_max = 1,
    .options = stock_list_options,
    .summary = "who waits for it, and for whom it is held, in their order",
    .examples = "  hilo stock list CAM-7\n",
    .run = cmd_stock_list,
};
static const struct command c_stock_unsubscribe = {
    .name = "stock",
    .verb = "unsubscribe",
    .operands = "ID",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "a customer wants it no longer",
    .examples = "  hilo stock unsubscribe wsh_01JDX3V5Q8E7Z2M4N6P8R0T2V4\n",
    .run = cmd_stock_unsubscribe,
};

/* ---- appointments ----------------------------------------------------------------------------- */

#define BY_WHOM                                                                                              \
    {"terminal", "NAME", 0, false, "where it was asked for"},                                                \
    {                                                                                                        \
        "clerk", "NAME", 0, false, "by whom"                                                                 \
    }
#define WORDS                                                                                                \
    {"no-confirm", NULL, 0, false, "do not tell the customer"},                                              \
        {"confirmation", "JSON", 0, false, "what she is told, as POST /v1/messages takes a content"},        \
    {                                                                                                        \
        "reminder", "JSON", 0, false, "what she is reminded with, likewise"                                  \
    }
static const struct option_row appointment_book_options[] = {
    {"customer", "ID", 0, false, "for whom (cus_…)"},
    WHO_OPTIONS,
    {"store", "NAME", 0, false, "where; needed"},
    {"at", "TIME", 0, false, "when it begins: 2026-12-04T15:30:00-05:00; needed"},
    {"until", "TIME", 0, false, "when it ends"},
    {"subject", "TEXT", 's', false, "what it is about"},
    {"place", "TEXT", 0, false, "where, for people, instead of the store's name"},
    {"case", "ID", 0, false, "the case that it belongs to (cas_…); else the only open one"},
    {"channel", "NAME", 'c', false, "of its messages"},
    {"time-zone", "NAME", 0, false, "of the hours that the customer is told: America/Bogota"},
    {"remind", "DURATION", 0, true, "a reminder so long before (PT24H); none: not at all"},
    WORDS,
    BY_WHOM,
    IDEMPOTENCY,
    END,
};
static const struct command c_appointment_book = {
    .name = "appointment",
    .verb = "book",
    .options = appointment_book_options,
    .summary = "book an appointment at a store; the customer is told and reminded",
    .help = "It is booked whatever becomes of its messages; why one could not be sent is said.",
    .examples =
        "  hilo appointment book --phone +573001112233 --store centro --at 2026-12-04T15:30:00-05:00\n"
        "  hilo appointment book --customer cus_… --store centro --at 2026-12-04T20:30:00Z \\\n"
        "      --subject 'Cambio de televisor' --remind PT24H --remind PT2H --clerk luis\n",
    .run = cmd_appointment_book,
};
static const struct option_row appointment_list_options[] = {
    {"customer", "ID", 0, false, "of a customer (cus_…)"},
    {"store", "NAME", 0, false, "at a store"},
    {"status", "WORD", 0, false, "booked, confirmed, checked_in, completed, canceled, no_show"},
    {"from", "TIME", 0, false, "that begin then or later"},
    {"to", "TIME", 0, false, "that begin before"},
    PAGE_OPTIONS,
    END,
};
static const struct command c_appointment_list = {
    .name = "appointment",
    .verb = "list",
    .options = appointment_list_options,
    .summary = "appointments, the earliest first",
    .examples =
        "  hilo appointment list --store centro --from 2026-12-04T05:00:00Z --to 2026-12-05T05:00:00Z\n",
    .run = cmd_appointment_list,
};
static const struct command c_appointment_show = {
    .name = "appointment",
    .verb = "show",
    .operands = "ID",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "an appointment, by its id or, while it is open, by its code",
    .examples = "  hilo appointment show K7QM2P\n",
    .run = cmd_appointment_show,
};
static const struct option_row appointment_move_options[] = {
    {"at", "TIME", 0, false, "when it begins from now on; needed"},
    {"until", "TIME", 0, false, "when it ends; else as long as before"},
    WORDS,
    BY_WHOM,
    END,
};
static const struct command c_appointment_move = {
    .name = "appointment",
    .verb = "move",
    .operands = "ID",
    .operands_min = 1,
    .operands_max = 1,
    .options = appointment_move_options,
    .summary = "give it another time; reminders move with it, and it is to be confirmed anew",
    .examples = "  hilo appointment move K7QM2P --at 2026-12-05T15:30:00-05:00\n",
    .run = cmd_appointment_move,
};
static const struct option_row appointment_cancel_options[] = {
    {"tell", NULL, 0, false, "tell the customer"},
    {"confirmation", "JSON", 0, false, "what she is told, as POST /v1/messages takes a content"},
    BY_WHOM,
    END,
};
static const struct command c_appointment_cancel = {
    .name = "appointment",
    .verb = "cancel",
    .operands = "ID",
    .operands_min = 1,
    .operands_max = 1,
    .options = appointment_cancel_options,
    .summary = "cancel it, and its reminders",
    .examples = "  hilo appointment cancel K7QM2P --tell\n",
    .run = cmd_appointment_cancel,
};
static const struct option_row appointment_update_options[] = {
    {"status", "WORD", 0, false, "booked, confirmed, completed, canceled, no_show"},
    {"store", "NAME", 0, false, "where it is from now on"},
    {"place", "TEXT", 0, false, "where, for people; empty: the store's name"},
    {"subject", "TEXT", 's', false, "what it is about; empty: nothing"},
    {"channel", "NAME", 'c', false, "of its messages; empty: the customer's usual"},
    {"case", "ID", 0, false, "the case that it belongs to; empty: none"},
    BY_WHOM,
    END,
};
static const struct command c_appointment_update = {
    .name = "appointment",
    .verb = "update",
    .operands = "ID",
    .operands_min = 1,
    .operands_max = 1,
    .options = appointment_update_options,
    .summary = "change what it is about, or close it",
    .examples = "  hilo appointment update K7QM2P --status no_show\n",
    .run = cmd_appointment_update,
};
static const struct option_row appointment_checkin_options[] = {
    {"store", "NAME", 0, false, "where she is"},
    BY_WHOM,
    END,
};
static const struct command c_appointment_checkin = {
    .name = "appointment",
    .verb = "checkin",
    .operands = "ID",
    .operands_min = 1,
    .operands_max = 1,
    .options = appointment_checkin_options,
    .summary = "the customer is here; once more changes nothing",
    .examples = "  hilo appointment checkin K7QM2P --store centro --clerk luis\n",
    .run = cmd_appointment_checkin,
};

static const struct option_row timeline_options[] = {WHO_OPTIONS, PAGE_OPTIONS, END};
static const struct command c_timeline = {
    .name = "timeline",
    .operands = "[CUSTOMER]",
    .operands_max = 1,
    .options = timeline_options,
    .summary = "a customer's messages on all channels",
    .help = "The newest is the last line; with --json it is the first, as the API gives them.",
    .examples = "  hilo timeline cus_01JDX3V5Q8E7Z2M4N6P8R0T2V4\n"
                "  hilo timeline --phone +573001112233 --limit 10\n",
    .run = cmd_timeline,
};

static const struct option_row events_options[] = {
    {"follow", NULL, 'f', false, "go on with what happens from now on; a cut connection is made again"},
    {"limit", "N", 'n', false, "so many of the newest first (20; with --follow none; 1000 at most)"},
    {"after", "ID", 0, false, "what came after this event (evt_…), or oldest: all there is"},
    {"type", "TYPE", 't', true, "message.received, message.status …, or message.* for all of its kind"},
    {"customer", "ID", 0, false, "of a customer (cus_…)"},
    {"case", "ID", 0, false, "of a case (cas_…) and its messages"},
    {"channel", "NAME", 0, false, "of a channel"},
    END,
};
static const struct command c_events = {
    .name = "events",
    .options = events_options,
    .summary = "what has happened, and what happens",
    .help = "With --json each line is a CloudEvent. If events that were asked for are not kept any more,\n"
            "standard error says so.",
    .examples = "  hilo events --follow\n"
                "  hilo events -f --type message.received --channel whatsapp-co --json\n"
                "  hilo events --limit 100 --customer cus_01JDX3V5Q8E7Z2M4N6P8R0T2V4\n",
    .run = cmd_events,
};

static const struct option_row call_list_options[] = {
    {"channel", "NAME", 0, false, "of a channel"},
    {"status", "WORD", 0, false, "open, or ringing, answered, offered, transferred, ended, broken"},
    {"customer", "ID", 0, false, "of a customer (cus_…)"},
    PAGE_OPTIONS,
    END,
};
static const struct command c_call_list = {
    .name = "call",
    .verb = "list",
    .options = call_list_options,
    .summary = "calls, the newest first",
    .examples = "  hilo call list --channel voz --status open\n",
    .run = cmd_call_list,
};
static const struct command c_call_show = {
    .name = "call",
    .verb = "show",
    .operands = "ID",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "a call, and what it came to",
    .examples = "  hilo call show cal_01JDX3V5Q8E7Z2M4N6P8R0T2V4\n",
    .run = cmd_call_show,
};

static const struct command c_channels = {
    .name = "channels",
    .summary = "the channels, and how they are",
    .examples = "  hilo channels\n  hilo channels --json\n",
    .run = cmd_channels,
};
static const struct command c_channels_templates = {
    .name = "channels",
    .verb = "templates",
    .operands = "NAME",
    .operands_min = 1,
    .operands_max = 1,
    .options = page_options,
    .summary = "the templates that a channel may send",
    .examples = "  hilo channels templates whatsapp-co\n",
    .run = cmd_channels_templates,
};
static const struct option_row pause_options[] = {
    {"reason", "TEXT", 0, false, "why, for the others"},
    END,
};
static const struct command c_channels_pause = {
    .name = "channels",
    .verb = "pause",
    .operands = "NAME",
    .operands_min = 1,
    .operands_max = 1,
    .options = pause_options,
    .summary = "send nothing more on a channel; messages wait",
    .examples = "  hilo channels pause whatsapp-co --reason 'wrong template'\n",
    .run = cmd_channels_pause,
};
static const struct command c_channels_resume = {
    .name = "channels",
    .verb = "resume",
    .operands = "NAME",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "send again on a channel",
    .examples = "  hilo channels resume whatsapp-co\n",
    .run = cmd_channels_resume,
};

static const struct option_row key_create_options[] = {
    {"name", "NAME", 0, false, "whose key it is; needed"},
    {"scopes", "WORDS", 0, true, "what it may do, or all; needed"},
    END,
};
static const struct command c_key_create = {
    .name = "key",
    .verb = "create",
    .options = key_create_options,
    .summary = "make an API key; it is shown this once",
    .help = "Scopes: messages:read messages:write customers:read customers:write cases:read cases:write\n"
            "media:read media:write channels:read channels:write metrics:read keys:write\n"
            "config:write webhooks:read webhooks:write appointments:read appointments:write\n"
            "stock:read stock:write sales:read sales:write audit:read calls:read calls:write",
    .examples = "  hilo key create --name shop --scopes 'messages:write media:write'\n"
                "  HILO_KEY=$(hilo key create --name admin --scopes all -q)\n",
    .run = cmd_key_create,
};
static const struct command c_key_list = {
    .name = "key",
    .verb = "list",
    .summary = "the API keys, without their secrets",
    .examples = "  hilo key list\n",
    .run = cmd_key_list,
};
static const struct command c_key_revoke = {
    .name = "key",
    .verb = "revoke",
    .operands = "ID",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "make an API key worthless",
    .examples = "  hilo key revoke key_01JDX3V5Q8E7Z2M4N6P8R0T2V4\n",
    .run = cmd_key_revoke,
};

/* ---- webhooks ------------------------------------------------------------------------------- */

#define WEBHOOK_TYPE                                                                                         \
    {                                                                                                        \
        "type", "TYPE", 't', true, "only events of this type (message.received, case.*); all: of every type" \
    }
#define WEBHOOK_DESCRIPTION                                                                                  \
    {                                                                                                        \
        "description", "TEXT", 0, false, "what it is for"                                                    \
    }
static const struct option_row webhook_create_options[] = {WEBHOOK_TYPE, WEBHOOK_DESCRIPTION, END};
static const struct option_row webhook_update_options[] = {
    {"url", "URL", 0, false, "where to from now on"}, WEBHOOK_TYPE, WEBHOOK_DESCRIPTION, END};
static const struct option_row webhook_rotate_options[] = {
    {"overlap", "DURATION", 0, false,
     "how long the secret before signs, too (PT24H; at most P30D; PT0S: not at all)"},
    END,
};
static const struct option_row webhook_failures_options[] = {PAGE_OPTIONS, END};
static const struct command c_webhook_create = {
    .name = "webhook",
    .verb = "create",
    .operands = "URL",
    .operands_min = 1,
    .operands_max = 1,
    .options = webhook_create_options,
    .summary = "send events to a URL, signed; the secret is shown this once",
    .help =
        "Events are CloudEvents 1.0, signed by Standard Webhooks 1.0; those of one customer come in their\n"
        "order. What is not answered with 2xx is tried again for three days.",
    .examples =
        "  hilo webhook create https://shop.example/hooks/hilo\n"
        "  hilo webhook create https://shop.example/hooks/hilo -t message.received -t message.status\n",
    .run = cmd_webhook_create,
};
static const struct command c_webhook_list = {
    .name = "webhook",
    .verb = "list",
    .summary = "the endpoints, and how far each has come",
    .examples = "  hilo webhook list\n",
    .run = cmd_webhook_list,
};
static const struct command c_webhook_show = {
    .name = "webhook",
    .verb = "show",
    .operands = "ID",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "one endpoint: what it gets, and why it fails",
    .examples = "  hilo webhook show whk_01JDX3V5Q8E7Z2M4N6P8R0T2V4\n",
    .run = cmd_webhook_show,
};
static const struct command c_webhook_update = {
    .name = "webhook",
    .verb = "update",
    .operands = "ID",
    .operands_min = 1,
    .operands_max = 1,
    .options = webhook_update_options,
    .summary = "change its URL, types or description",
    .examples = "  hilo webhook update whk_01JDX3V5Q8E7Z2M4N6P8R0T2V4 --type all\n",
    .run = cmd_webhook_update,
};
static const struct command c_webhook_test = {
    .name = "webhook",
    .verb = "test",
    .operands = "ID",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "send it a test now; status 4 if it was not taken",
    .examples = "  hilo webhook test whk_01JDX3V5Q8E7Z2M4N6P8R0T2V4\n",
    .run = cmd_webhook_test,
};
static const struct command c_webhook_enable = {
    .name = "webhook",
    .verb = "enable",
    .operands = "ID",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "go on where it stopped",
    .examples = "  hilo webhook enable whk_01JDX3V5Q8E7Z2M4N6P8R0T2V4\n",
    .run = cmd_webhook_enable,
};
static const struct command c_webhook_disable = {
    .name = "webhook",
    .verb = "disable",
    .operands = "ID",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "send it nothing until it is enabled; events are kept for it",
    .examples = "  hilo webhook disable whk_01JDX3V5Q8E7Z2M4N6P8R0T2V4\n",
    .run = cmd_webhook_disable,
};
static const struct command c_webhook_rotate = {
    .name = "webhook",
    .verb = "rotate",
    .operands = "ID",
    .operands_min = 1,
    .operands_max = 1,
    .options = webhook_rotate_options,
    .summary = "give it another secret; it is shown this once",
    .examples = "  hilo webhook rotate whk_01JDX3V5Q8E7Z2M4N6P8R0T2V4 --overlap PT1H\n",
    .run = cmd_webhook_rotate,
};
static const struct command c_webhook_delete = {
    .name = "webhook",
    .verb = "delete",
    .operands = "ID",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "forget it, and what waits for it",
    .examples = "  hilo webhook delete whk_01JDX3V5Q8E7Z2M4N6P8R0T2V4\n",
    .run = cmd_webhook_delete,
};
static const struct command c_webhook_failures = {
    .name = "webhook",
    .verb = "failures",
    .operands = "ID",
    .operands_min = 1,
    .operands_max = 1,
    .options = webhook_failures_options,
    .summary = "customers whose events wait behind one that failed there",
    .examples = "  hilo webhook failures whk_01JDX3V5Q8E7Z2M4N6P8R0T2V4\n",
    .run = cmd_webhook_failures,
};

static const struct option_row media_put_options[] = {
    {"type", "TYPE/SUB", 0, false, "its media type, if its name does not tell"},
    {"filename", "NAME", 0, false, "what the customer sees instead of its name"},
    IDEMPOTENCY,
    END,
};
static const struct command c_media_put = {
    .name = "media",
    .verb = "put",
    .operands = "FILE",
    .operands_min = 1,
    .operands_max = 1,
    .options = media_put_options,
    .summary = "store a file, for messages to name it",
    .examples = "  hilo media put factura.pdf\n",
    .run = cmd_media_put,
};
static const struct option_row media_get_options[] = {
    {"output", "FILE", 'o', false, "where to; - is standard output, the default"},
    {"info", NULL, 0, false, "what it is, instead of the file itself; so does --json"},
    END,
};
static const struct command c_media_get = {
    .name = "media",
    .verb = "get",
    .operands = "ID",
    .operands_min = 1,
    .operands_max = 1,
    .options = media_get_options,
    .summary = "a stored file",
    .examples = "  hilo media get med_01JDX3V5Q8E7Z2M4N6P8R0T2V4 -o foto.jpg\n",
    .run = cmd_media_get,
};

static const struct option_row config_options[] = {
    {"config", "FILE", 'c', false, "the configuration; hilod's own default if absent"},
    END,
};
static const struct command c_config_check = {
    .name = "config",
    .verb = "check",
    .options = config_options,
    .flags = COMMAND_LOCAL,
    .summary = "say all that is wrong with a configuration",
    .examples = "  hilo config check -c /etc/hilo/hilo.yaml\n",
    .run = cmd_config_check,
};
static const struct command c_config_reload = {
    .name = "config",
    .verb = "reload",
    .summary = "have the gateway take over its changed configuration",
    .help = "Channels whose options are the same are not disturbed. A file with faults changes nothing;\n"
            "the gateway goes on with the configuration before.",
    .examples = "  hilo config reload\n",
    .run = cmd_config_reload,
};
static const struct option_row store_stats_options[] = {
    {"count", NULL, 0, false, "count entries, free pages and media, too: reads all of LMDB"},
    END,
};
static const struct command c_store_stats = {
    .name = "store",
    .verb = "stats",
    .options = store_stats_options,
    .summary = "what the store holds, and how it is",
    .examples = "  hilo store stats\n  hilo store stats --count --json\n",
    .run = cmd_store_stats,
};
static const struct command c_store_check = {
    .name = "store",
    .verb = "check",
    .operands = "DIR",
    .operands_min = 1,
    .operands_max = 1,
    .flags = COMMAND_LOCAL,
    .summary = "check a data folder that no daemon has open",
    .examples = "  hilo store check /var/lib/hilo\n",
    .run = cmd_store_check,
};
static const struct option_row backup_options[] = {
    {"since", "DIR", 0, false, "an earlier backup on the same disk: what did not change is linked to it"},
    END,
};
static const struct command c_backup = {
    .name = "backup",
    .operands = "DIR",
    .operands_min = 1,
    .operands_max = 1,
    .options = backup_options,
    .summary = "back up all that the gateway keeps, while it runs",
    .help = "DIR must not be there yet, on the gateway's machine, writable by its user. It has its name\n"
            "only when it is whole.",
    .examples = "  hilo backup /var/backups/hilo/2026-11-27\n"
                "  hilo backup /var/backups/hilo/monday --since /var/backups/hilo/sunday\n",
    .run = cmd_backup,
};
static const struct option_row restore_options[] = {
    {"config", "FILE", 'c', false, "whose data folder it is; hilod's own default if absent"},
    {"replace", NULL, 0, false, "move aside the store that is there (nothing is deleted)"},
    END,
};
static const struct command c_restore = {
    .name = "restore",
    .operands = "DIR",
    .operands_min = 1,
    .operands_max = 1,
    .options = restore_options,
    .flags = COMMAND_LOCAL,
    .summary = "put a backup into the data folder of a stopped gateway",
    .examples = "  hilo restore /var/backups/hilo/2026-11-27\n"
                "  hilo restore /var/backups/hilo/2026-11-27 -c /etc/hilo/hilo.yaml --replace\n",
    .run = cmd_restore,
};
static const struct command c_plugin_check = {
    .name = "plugin",
    .verb = "check",
    .operands = "FILE",
    .operands_min = 1,
    .operands_max = 1,
    .flags = COMMAND_LOCAL,
    .summary = "check a plugin, and print its options",
    .examples = "  hilo plugin check ./sms.so\n",
    .run = cmd_plugin_check,
};

static const struct option_row kannel_convert_options[] = {
    {"output", "FILE", 'o', false,
     "where to, a file that is not there yet; - is standard output, the default"},
    END,
};
static const struct command c_kannel_convert = {
    .name = "kannel",
    .verb = "convert",
    .operands = "FILE",
    .operands_min = 1,
    .operands_max = 1,
    .options = kannel_convert_options,
    .flags = COMMAND_LOCAL,
    .summary = "make a configuration out of a kannel.conf",
    .help = "What has no counterpart has a note: as a comment in the configuration, and on standard error\n"
            "with its place. Afterwards: hilo config check -c FILE.",
    .examples = "  hilo kannel convert /etc/kannel/kannel.conf -o hilo.yaml\n",
    .run = cmd_kannel_convert,
};

/* ---- terminals of shop counters --------------------------------------------------------------- */

#define POS_CHANNEL                                                                                          \
    {                                                                                                        \
        "channel", "NAME", 0, false, "which channel of type pos, if there are several"                       \
    }

static const struct option_row pos_options[] = {POS_CHANNEL, END};
static const struct option_row pos_enroll_options[] = {
    {"store", "NAME", 0, false, "its store (A-Z a-z 0-9 _ . -, at most 32)"},
    {"terminal", "NAME", 0, false, "its name within the store, likewise"},
    {"role", "ROLE", 0, false, "clerk (the default), cashier or kiosk"},
    {"lifetime", "TIME", 0, false,
     "how long the code is good: 30m, 2h, 1d; 7d at most (the channel's code_lifetime)"},
    {"no-qr", NULL, 0, false, "the code as text alone, also on a terminal"},
    POS_CHANNEL,
    END,
};
static const struct option_row pos_list_options[] = {
    {"store", "NAME", 0, false, "those of this store"},
    {"state", "STATE", 0, false, "active, expired or revoked"},
    PAGE_OPTIONS,
    POS_CHANNEL,
    END,
};
static const struct option_row pos_ca_options[] = {
    {"pem", NULL, 0, false, "the certificates that terminals trust, in PEM, alone"}, POS_CHANNEL, END};
static const struct command c_pos_enroll = {
    .name = "pos",
    .verb = "enroll",
    .options = pos_enroll_options,
    .summary = "make a code by which a terminal gets its certificate, once",
    .help = "The terminal makes its key itself: hilo-till enroll CODE. A code for a terminal that is "
            "enrolled already replaces\n"
            "it: the key before is worthless then.",
    .examples = "  hilo pos enroll --store CENTRO --terminal 3\n"
                "  hilo pos enroll --store CENTRO --terminal entrada --role kiosk --lifetime 1d\n",
    .run = cmd_pos_enroll,
};
static const struct command c_pos_codes = {
    .name = "pos",
    .verb = "codes",
    .options = pos_options,
    .summary = "codes that are open, or were used and are not over yet",
    .examples = "  hilo pos codes\n",
    .run = cmd_pos_codes,
};
static const struct command c_pos_withdraw = {
    .name = "pos",
    .verb = "withdraw",
    .operands = "ID",
    .operands_min = 1,
    .operands_max = 1,
    .options = pos_options,
    .summary = "make a code worthless",
    .examples = "  hilo pos withdraw enr_3f9c2b7a10d4e586\n",
    .run = cmd_pos_withdraw,
};
static const struct command c_pos_list = {
    .name = "pos",
    .verb = "list",
    .options = pos_list_options,
    .summary = "the terminals",
    .examples = "  hilo pos list --store CENTRO\n",
    .run = cmd_pos_list,
};
static const struct command c_pos_show = {
    .name = "pos",
    .verb = "show",
    .operands = "STORE TERMINAL",
    .operands_min = 2,
    .operands_max = 2,
    .options = pos_options,
    .summary = "a terminal: its certificate, role, connection",
    .examples = "  hilo pos show CENTRO 3\n",
    .run = cmd_pos_show,
};
static const struct command c_pos_rotate = {
    .name = "pos",
    .verb = "rotate",
    .operands = "STORE TERMINAL",
    .operands_min = 2,
    .operands_max = 2,
    .options = pos_options,
    .summary = "ask a terminal for a new key and certificate now",
    .help = "It does so as soon as it is connected. The key before is good until the new one was used.",
    .examples = "  hilo pos rotate CENTRO 3\n",
    .run = cmd_pos_rotate,
};
static const struct command c_pos_revoke = {
    .name = "pos",
    .verb = "revoke",
    .operands = "STORE TERMINAL",
    .operands_min = 2,
    .operands_max = 2,
    .options = pos_options,
    .summary = "trust a terminal no more, at once",
    .help = "An open connection ends. Only a new code brings it back.",
    .examples = "  hilo pos revoke CENTRO 3\n",
    .run = cmd_pos_revoke,
};
static const struct command c_pos_role = {
    .name = "pos",
    .verb = "role",
    .operands = "STORE TERMINAL ROLE",
    .operands_min = 3,
    .operands_max = 3,
    .options = pos_options,
    .summary = "give a terminal another role: clerk, cashier or kiosk",
    .examples = "  hilo pos role CENTRO 3 cashier\n",
    .run = cmd_pos_role,
};
static const struct command c_pos_remove = {
    .name = "pos",
    .verb = "remove",
    .operands = "STORE TERMINAL",
    .operands_min = 2,
    .operands_max = 2,
    .options = pos_options,
    .summary = "revoke a terminal, and forget it",
    .examples = "  hilo pos remove CENTRO 3\n",
    .run = cmd_pos_remove,
};
static const struct command c_pos_ca = {
    .name = "pos",
    .verb = "ca",
    .options = pos_ca_options,
    .summary = "who signs certificates, and where terminals connect to",
    .examples = "  hilo pos ca\n"
                "  hilo pos ca --pem >hilo-ca.pem\n",
    .run = cmd_pos_ca,
};

const struct command *const commands[] = {
    &c_send,
    &c_message_show,
    &c_message_cancel,
    &c_message_read,
    &c_message_typing,
    &c_customer_create,
    &c_customer_find,
    &c_customer_show,
    &c_customer_update,
    &c_customer_consent,
    &c_case_open,
    &c_case_list,
    &c_case_show,
    &c_case_messages,
    &c_case_update,
    &c_case_note,
    &c_customer_lookup,
    &c_audit,
    &c_stock_available,
    &c_stock_subscribe,
    &c_stock_list,
    &c_stock_unsubscribe,
    &c_appointment_book,
    &c_appointment_list,
    &c_appointment_show,
    &c_appointment_move,
    &c_appointment_cancel,
    &c_appointment_update,
    &c_appointment_checkin,
    &c_call_list,
    &c_call_show,
    &c_timeline,
    &c_events,
    &c_channels,
    &c_channels_templates,
    &c_channels_pause,
    &c_channels_resume,
    &c_key_create,
    &c_key_list,
    &c_key_revoke,
    &c_webhook_create,
    &c_webhook_list,
    &c_webhook_show,
    &c_webhook_update,
    &c_webhook_test,
    &c_webhook_enable,
    &c_webhook_disable,
    &c_webhook_rotate,
    &c_webhook_delete,
    &c_webhook_failures,
    &c_pos_enroll,
    &c_pos_codes,
    &c_pos_withdraw,
    &c_pos_list,
    &c_pos_show,
    &c_pos_rotate,
    &c_pos_revoke,
    &c_pos_role,
    &c_pos_remove,
    &c_pos_ca,
    &c_media_put,
    &c_media_get,
    &c_backup,
    &c_restore,
    &c_config_check,
    &c_config_reload,
    &c_store_check,
    &c_store_stats,
    &c_plugin_check,
    &c_kannel_convert,
    NULL,
};
