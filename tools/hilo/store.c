/* hilo store stats: what the store holds, and how it is. */
#include "cli.h"
#include <string.h>
#include <time.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { WAIT_FIRST_MS = 20, WAIT_MAX_MS = 500 };

#define BYTES_CELL(name, member)                                                                             \
    static void name(const cJSON *o, struct text *out)                                                       \
    {                                                                                                        \
        const cJSON *v = json_at(o, member);                                                                 \
                                                                                                             \
        if (cJSON_IsNumber(v))                                                                               \
            bytes_text(v->valuedouble, out);                                                                 \
    }
BYTES_CELL(journal_bytes, "journal.bytes")
BYTES_CELL(map_bytes, "context.map_bytes")
BYTES_CELL(used_bytes, "context.used_bytes")
BYTES_CELL(pending_bytes, "context.pending_bytes")
BYTES_CELL(disk_free, "room.disk_free_bytes")
BYTES_CELL(room_bytes, "room.journal_bytes")
BYTES_CELL(reserve_bytes, "room.reserve_bytes")
BYTES_CELL(free_bytes, "counted.free_bytes")
BYTES_CELL(media_bytes, "counted.media_bytes")
#undef BYTES_CELL

/* Whether new work is taken; if not, why. */
static void accepting(const cJSON *o, struct text *out)
{
    text_add(out, cJSON_IsTrue(json_at(o, "accepting")) ? "yes" : "no: ");
    text_add_shown(out, json_text(o, "why"));
}

static const struct column store_columns[] = {
    {.head = {"ACCEPTING", "ACEPTA"}, .cell = accepting},
    {.head = {"JOURNAL", "DIARIO"}, .cell = journal_bytes},
    {.head = {"SEGMENTS", "SEGMENTOS"}, .member = "journal.segments"},
    {.head = {"OLDEST EVENT", "EVENTO MÁS ANTIGUO"}, .member = "journal.oldest_event", .flags = COLUMN_TIME},
    {.head = {"NEWEST EVENT", "EVENTO MÁS NUEVO"}, .member = "journal.newest_event", .flags = COLUMN_TIME},
    {.head = {"FIRST SEQUENCE", "PRIMERA SECUENCIA"}, .member = "journal.oldest_sequence"},
    {.head = {"APPENDED", "AÑADIDA"}, .member = "journal.appended_sequence"},
    {.head = {"ON DISK", "EN DISCO"}, .member = "journal.synced_sequence"},
    {.head = {"IN LMDB", "EN LMDB"}, .member = "context.sequence"},
    {.head = {"PENDING KEYS", "CLAVES PENDIENTES"}, .member = "context.pending_keys"},
    {.head = {"PENDING", "PENDIENTE"}, .cell = pending_bytes},
    {.head = {"LMDB USED", "LMDB EN USO"}, .cell = used_bytes},
    {.head = {"LMDB MAP", "MAPA DE LMDB"}, .cell = map_bytes},
    {.head = {"FAILED FLUSHES", "VOLCADOS FALLIDOS"}, .member = "context.failed_flushes"},
    {.head = {"DISK FREE", "DISCO LIBRE"}, .cell = disk_free},
    {.head = {"ROOM", "ESPACIO"}, .cell = room_bytes},
    {.head = {"OF IT RESERVED", "DE ELLO RESERVADO"}, .cell = reserve_bytes},
    {.head = {"REPORTS TO COME", "INFORMES POR LLEGAR"}, .member = "room.promised_reports"},
    {.head = {"LAST BACKUP", "ÚLTIMA COPIA"}, .member = "last_backup.made", .flags = COLUMN_TIME},
    {.head = {"ITS SEQUENCE", "SU SECUENCIA"}, .member = "last_backup.sequence"},
    {.head = {"COUNTED", "CONTADO"}, .member = "counted.at", .flags = COLUMN_TIME},
    {.head = {"LMDB FREE", "LMDB LIBRE"}, .cell = free_bytes},
    {.head = {"MEDIA FILES", "ARCHIVOS"}, .member = "counted.media_files"},
    {.head = {"MEDIA", "MEDIOS"}, .cell = media_bytes},
};

static const struct column table_columns[] = {
    {.head = {"TABLE", "TABLA"}, .member = "name"},
    {.head = {"ENTRIES", "ENTRADAS"}, .member = "entries", .flags = COLUMN_RIGHT},
};

static void nap(unsigned ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

    (void)nanosleep(&t, NULL);
}

/* Starts a count and asks until it has ended; a holds the last answer. */
static int count_wait(struct cli *cli, struct answer *a)
{
    unsigned ms = WAIT_FIRST_MS;
    int rc = client_call(cli, "GET", "/v1/store?count=true", NULL, NULL, a);

    while (rc == EXIT_OK && cJSON_IsTrue(json_at(a->json, "counted.running"))) {
        nap(ms);
        ms = ms * 2 > WAIT_MAX_MS ? WAIT_MAX_MS : ms * 2;
        answer_done(a);
        rc = client_call(cli, "GET", "/v1/store", NULL, NULL, a);
    }
    if (rc == EXIT_OK && json_text(a->json, "counted.error")[0]) {
        struct text why = {0};
        text_add_shown(&why, json_text(a->json, "counted.error"));
        complain("it could not be counted: %s", text_z(&why));
        text_done(&why);
        rc = EXIT_REFUSED;
    }
    return rc;
}

int cmd_store_stats(struct cli *cli)
{
    struct answer a = {0};
    int rc = arg(cli, "count") ? count_wait(cli, &a) : client_call(cli, "GET", "/v1/store", NULL, NULL, &a);

    if (rc == EXIT_OK)
        rc = show_object(cli, &a, "journal.synced_sequence", store_columns, COUNT(store_columns));
    if (rc == EXIT_OK && !cli->json && !cli->quiet && json_at(a.json, "counted.tables")) {
        (void)putchar('\n');
        table_print(&cli->screen, json_at(a.json, "counted.tables"), table_columns, COUNT(table_columns),
                    false, (struct label){"no tables", "sin tablas"});
    }
    answer_done(&a);
    return rc;
}
