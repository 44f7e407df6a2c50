/*
 * till.db: what waits to be sent, which pushes were done, and answers kept for when there is no line.
 *
 * SQLite, with a write-ahead log that is synced at each commit: what till_store_queue took is there
 * after a kill or a power cut. The file is opened for this process alone, so a second one on the
 * same folder is told so instead of sending everything twice. Deleted rows are overwritten
 * (secure_delete): they were customers' data.
 */
#include "till.h"
#include <openssl/evp.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STORE_VERSION = 1, STORE_ID = 0x48694c54, STORE_PUSHES = 2000 };

enum statement {
    S_QUEUE,
    S_NEXT,
    S_ANSWERED,
    S_REFUSED,
    S_DISMISS,
    S_AGAIN,
    S_REFERRING,
    S_FILLED,
    S_RESULT,
    S_RESULT_PRUNE,
    S_RESULT_OF,
    S_COUNT,
    S_ITEMS,
    S_PUSH_DONE,
    S_PUSH_PRUNE,
    S_PUSH_SEEN,
    S_PUSH_LAST,
    S_KEEP,
    S_KEEP_PRUNE,
    S_KEPT,
    S_FORGET,
    S_BEGIN,
    S_COMMIT,
    S_ROLLBACK,
    S__END
};
static const char *const statements[S__END] = {
    [S_QUEUE] = "INSERT INTO queue(id, method, params, at) VALUES(?1, ?2, ?3, ?4)",
    [S_NEXT] = "SELECT seq, id, method, params FROM queue WHERE code = 0 AND seq > ?1 ORDER BY seq LIMIT 1",
    [S_ANSWERED] = "DELETE FROM queue WHERE id = ?1",
    [S_REFUSED] =
        "UPDATE queue SET code = ?2, error = ?3, params = iif(?2 = -32004, '{}', params) WHERE id = ?1",
    [S_DISMISS] = "DELETE FROM queue WHERE id = ?1 AND code <> 0",
    [S_AGAIN] = ("UPDATE queue SET code = 0, error = NULL, seq = (SELECT max(seq) FROM (SELECT seq FROM "
                 "sqlite_sequence "
                 "WHERE name = 'queue' UNION ALL SELECT seq FROM queue)) + 1 WHERE id = ?1 AND code <> 0"),
    [S_REFERRING] = "SELECT seq, params FROM queue WHERE instr(params, ?1) > 0",
    [S_FILLED] = "UPDATE queue SET params = ?2 WHERE seq = ?1",
    [S_RESULT] = "INSERT OR REPLACE INTO result(id, json) VALUES(?1, ?2)",
    [S_RESULT_PRUNE] = "DELETE FROM result WHERE seq <= (SELECT max(seq) FROM result) - 1000",
    [S_RESULT_OF] = "SELECT json FROM result WHERE id = ?1",
    [S_COUNT] =
        "SELECT (SELECT count(*) FROM queue WHERE code = 0), (SELECT count(*) FROM queue WHERE code <> 0)",
    [S_ITEMS] = "SELECT id, method, params, at, code, error FROM queue ORDER BY seq",
    [S_PUSH_DONE] = "INSERT INTO push(id, message, refused, answer, whole) VALUES(?1, ?2, ?3, ?4, ?5)",
    [S_PUSH_PRUNE] = "DELETE FROM push WHERE seq <= (SELECT max(seq) FROM push) - ?1",
    [S_PUSH_SEEN] = "SELECT refused, answer FROM push WHERE id = ?1 OR message = ?2",
    [S_PUSH_LAST] = "SELECT id FROM push WHERE whole ORDER BY seq DESC LIMIT 1",
    [S_KEEP] = "INSERT OR REPLACE INTO answer(key, json, at) VALUES(?1, ?2, ?3)",
    [S_KEEP_PRUNE] = ("DELETE FROM answer WHERE at < ?1 OR key IN "
                      "(SELECT key FROM answer ORDER BY at DESC LIMIT -1 OFFSET ?2)"),
    [S_KEPT] = "SELECT json, at FROM answer WHERE key = ?1 AND at >= ?2",
    [S_FORGET] = "DELETE FROM answer",
    [S_BEGIN] = "BEGIN IMMEDIATE",
    [S_COMMIT] = "COMMIT",
    [S_ROLLBACK] = "ROLLBACK",
};

static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS queue(seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
    " method TEXT NOT NULL, params TEXT NOT NULL, at INTEGER NOT NULL, code INTEGER NOT NULL DEFAULT 0, "
    "error TEXT);"
    "CREATE INDEX IF NOT EXISTS queue_waiting ON queue(seq) WHERE code = 0;"
    "CREATE TABLE IF NOT EXISTS push(seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
    " message TEXT, refused INTEGER NOT NULL, answer TEXT NOT NULL, whole INTEGER NOT NULL);"
    "CREATE INDEX IF NOT EXISTS push_message ON push(message) WHERE message IS NOT NULL;"
    "CREATE TABLE IF NOT EXISTS result(seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
    " json TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS answer(key BLOB PRIMARY KEY, json TEXT NOT NULL, at INTEGER NOT NULL);"
    "PRAGMA application_id = 1214860372;"
    "PRAGMA user_version = 1;"
    "COMMIT";

struct till_store {
    sqlite3 *db;
    sqlite3_stmt *s[S__END];
    char *path;
    bool spanish;
};

/* ---- errors ------------------------------------------------------------------------------------ */

static int store__fail(const struct till_store *s, int rc, struct hilotill_error *e)
{
    const char *said = s->db ? sqlite3_errmsg(s->db) : sqlite3_errstr(rc);

    switch (rc & 0xff) {
    case SQLITE_FULL:
        return till_fail(e, HILOTILL_EFULL,
                         TILL_SAY(s->spanish, "the disk is full (%s): delete something, then do it again",
                                  "el disco está lleno (%s): borre algo y repita la operación"),
                         s->path);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return till_fail(
            e, HILOTILL_EDAMAGED,
            TILL_SAY(s->spanish,
                     "%s is damaged (%s). What waits in it is not sent; save what can be read of it with "
                     "\"sqlite3 till.db .recover\", then move it away to begin with an empty one",
                     "%s está dañado (%s). Lo que espera allí no se envía; guarde lo legible con "
                     "\"sqlite3 till.db .recover\" y luego retírelo para empezar con uno vacío"),
            s->path, said);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return till_fail(e, HILOTILL_EINUSE,
                         TILL_SAY(s->spanish, "%s is in use by another program: end that one first",
                                  "otro programa usa %s: ciérrelo primero"),
                         s->path);
    case SQLITE_NOMEM:
        return till_fail(e, HILOTILL_ENOMEM,
                         TILL_SAY(s->spanish, "out of memory", "no hay memoria suficiente"));
    default:
        return till_fail(e, HILOTILL_EDISK,
                         TILL_SAY(s->spanish, "%s can't be read or written: %s (%s)",
                                  "%s no se puede leer o escribir: %s (%s)"),
                         s->path, said, s->db ? strerror(sqlite3_system_errno(s->db)) : "");
    }
}

/* ---- one statement -------------------------------------------------------------------------------- */

static void store__text(sqlite3_stmt *q, int i, const char *text)
{
    if (text)
        sqlite3_bind_text(q, i, text, -1, SQLITE_STATIC);
    else
        sqlite3_bind_null(q, i);
}

/* Runs what returns no rows. */
static int store__do(struct till_store *s, enum statement which, struct hilotill_error *e)
{
    int rc = sqlite3_step(s->s[which]);
    int ret = rc == SQLITE_DONE ? HILOTILL_OK : store__fail(s, rc, e);

    sqlite3_reset(s->s[which]);
    sqlite3_clear_bindings(s->s[which]);
    return ret;
}

static int store__exec(struct till_store *s, const char *sql, struct hilotill_error *e)
{
    int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? HILOTILL_OK : store__fail(s, rc, e);
}

static char *store__column(sqlite3_stmt *q, int i)
{
    const unsigned char *t = sqlite3_column_text(q, i);

    return strdup(t ? (const char *)t : "");
}

static int store__nomem(const struct till_store *s, struct hilotill_error *e)
{
    return store__fail(s, SQLITE_NOMEM, e);
}

/* ---- open and close ---------------------------------------------------------------------------------- */

/* The first row's first column as a number, or as text compared with want. */
static int store__ask(struct till_store *s, const char *sql, int64_t *out, const char *want,
                      struct hilotill_error *e)
{
    sqlite3_stmt *q = NULL;
    const unsigned char *t;
    int rc = sqlite3_prepare_v2(s->db, sql, -1, &q, NULL), ret = HILOTILL_OK;

    if (rc == SQLITE_OK)
        rc = sqlite3_step(q);
    if (rc != SQLITE_ROW) {
        ret = store__fail(s, rc, e);
    } else if (want) {
        t = sqlite3_column_text(q, 0);
        if (!t || strcmp((const char *)t, want) != 0)
            ret = store__fail(s, SQLITE_CORRUPT, e);
    } else {
        *out = sqlite3_column_int64(q, 0);
    }
    sqlite3_finalize(q);
    return ret;
}

static int store__setup(struct till_store *s, struct hilotill_error *e)
{
    static const char *const pragmas[] = {
        "PRAGMA locking_mode = EXCLUSIVE", "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = FULL",       "PRAGMA secure_delete = ON",
        "PRAGMA trusted_schema = OFF",     "PRAGMA journal_size_limit = 4194304",
    };
    int64_t version, id;
    size_t i;
    int rc;

    for (i = 0; i < sizeof pragmas / sizeof pragmas[0]; i++)
        if ((rc = store__exec(s, pragmas[i], e)) != HILOTILL_OK)
            return rc;
    if ((rc = store__ask(s, "PRAGMA user_version", &version, NULL, e)) != HILOTILL_OK ||
        (rc = store__ask(s, "PRAGMA application_id", &id, NULL, e)) != HILOTILL_OK)
        return rc;
    if (version > STORE_VERSION || (version != 0 && id != STORE_ID))
        return till_fail(e, HILOTILL_EDAMAGED,
                         TILL_SAY(s->spanish, "%s is of another program or of a newer version of this one",
                                  "%s es de otro programa o de una versión más nueva de este"),
                         s->path);
    if (version != 0 && (rc = store__ask(s, "PRAGMA quick_check(1)", &version, "ok", e)) != HILOTILL_OK)
        return rc;
    if ((rc = store__exec(s, schema, e)) != HILOTILL_OK)
        return rc;
    for (i = 0; i < S__END; i++) {
        rc = sqlite3_prepare_v3(s->db, statements[i], -1, SQLITE_PREPARE_PERSISTENT, &s->s[i], NULL);
        if (rc != SQLITE_OK)
            return store__fail(s, rc, e);
    }
    return HILOTILL_OK;
}

int till_store_open(const char *folder, bool spanish, struct till_store **out, struct hilotill_error *e)
{
    struct till_store *s = calloc(1, sizeof *s);
    size_t n = strlen(folder) + sizeof "/till.db";
    int rc;

    if (!s || !(s->path = malloc(n))) {
        rc = till_fail(e, HILOTILL_ENOMEM, TILL_SAY(spanish, "out of memory", "no hay memoria suficiente"));
        goto out;
    }
    s->spanish = spanish;
    snprintf(s->path, n, "%s/till.db", folder);
    rc = sqlite3_open_v2(
        s->path, &s->db,
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (rc != SQLITE_OK) {
        rc = store__fail(s, rc, e);
        goto out;
    }
    if ((rc = store__setup(s, e)) != HILOTILL_OK)
        goto out;
    *out = s;
    s = NULL;
out:
    till_store_close(&s);
    return rc;
}

void till_store_close(struct till_store **ps)
{
    struct till_store *s = *ps;
    size_t i;

    if (!s)
        return;
    for (i = 0; i < S__END; i++)
        sqlite3_finalize(s->s[i]);
    sqlite3_close(s->db);
    free(s->path);
    free(s);
    *ps = NULL;
}

/* ---- the queue ---------------------------------------------------------------------------------------- */

int till_store_next(struct till_store *s, int64_t seq, struct till_head *out, struct hilotill_error *e)
{
    sqlite3_stmt *q = s->s[S_NEXT];
    int rc, ret = HILOTILL_OK;

    sqlite3_bind_int64(q, 1, seq);
    rc = sqlite3_step(q);
    if (rc == SQLITE_ROW) {
        *out = (struct till_head){sqlite3_column_int64(q, 0), store__column(q, 1), store__column(q, 2),
                                  store__column(q, 3)};
        if (!out->id || !out->method || !out->params) {
            till_head_done(out);
            ret = store__nomem(s, e);
        }
    } else {
        ret = rc == SQLITE_DONE ? HILOTILL_EARG : store__fail(s, rc, e);
    }
    sqlite3_reset(q);
    return ret;
}

void till_head_done(struct till_head *h)
{
    free(h->id);
    free(h->method);
    free(h->params);
    *h = (struct till_head){0};
}

/* Every "=ID/member" within becomes what the result has there. */
static bool store__fill(cJSON *v, const char *prefix, const cJSON *result)
{
    cJSON *child;
    const cJSON *value;
    char *copy;

    cJSON_ArrayForEach(child, v)
    {
        if (!cJSON_IsString(child)) {
            if (!store__fill(child, prefix, result))
                return false;
            continue;
        }
        if (strncmp(child->valuestring, prefix, strlen(prefix)) != 0)
            continue;
        value = cJSON_GetObjectItemCaseSensitive(result, child->valuestring + strlen(prefix));
        if (!cJSON_IsString(value))
            continue; /* it is refused when its turn comes */
        if (!(copy = cJSON_malloc(strlen(value->valuestring) + 1)))
            return false;
        memcpy(copy, value->valuestring, strlen(value->valuestring) + 1);
        cJSON_free(child->valuestring);
        child->valuestring = copy;
    }
    return true;
}

/* What is known already of "=ID/member" within: of one that was answered before this was queued. */
static int store__resolve(struct till_store *s, cJSON *v, struct hilotill_error *e)
{
    sqlite3_stmt *q = s->s[S_RESULT_OF];
    char id[HILOTILL_ID], prefix[HILOTILL_ID + 3];
    cJSON *child, *result;
    const char *slash;
    int rc = HILOTILL_OK, step;

    cJSON_ArrayForEach(child, v)
    {
        if (!cJSON_IsString(child)) {
            if ((rc = store__resolve(s, child, e)) != HILOTILL_OK)
                return rc;
            continue;
        }
        slash = strchr(child->valuestring, '/');
        if (child->valuestring[0] != '=' || !slash || slash - child->valuestring != HILOTILL_ID)
            continue;
        snprintf(id, sizeof id, "%.*s", HILOTILL_ID - 1, child->valuestring + 1);
        snprintf(prefix, sizeof prefix, "=%s/", id);
        store__text(q, 1, id);
        step = sqlite3_step(q);
        result = step == SQLITE_ROW ? cJSON_Parse((const char *)sqlite3_column_text(q, 0)) : NULL;
        if (step != SQLITE_ROW && step != SQLITE_DONE)
            rc = store__fail(s, step, e);
        else if (result && !store__fill(v, prefix, result))
            rc = store__nomem(s, e);
        cJSON_Delete(result);
        sqlite3_reset(q);
        sqlite3_clear_bindings(q);
        if (rc != HILOTILL_OK)
            return rc;
    }
    return HILOTILL_OK;
}

int till_store_queue(struct till_store *s, const char *id, const char *method, const char *params,
                     int64_t at_ms, struct hilotill_error *e)
{
    sqlite3_stmt *q = s->s[S_QUEUE];
    cJSON *o = strstr(params, "\"=") ? cJSON_Parse(params) : NULL;
    char *resolved = NULL;
    int rc = HILOTILL_OK;

    if (o) {
        rc = store__resolve(s, o, e);
        resolved = rc == HILOTILL_OK ? cJSON_PrintUnformatted(o) : NULL;
        if (rc == HILOTILL_OK && !resolved)
            rc = store__nomem(s, e);
    }
    if (rc == HILOTILL_OK) {
        store__text(q, 1, id);
        store__text(q, 2, method);
        store__text(q, 3, resolved ? resolved : params);
        sqlite3_bind_int64(q, 4, at_ms);
        rc = store__do(s, S_QUEUE, e);
    }
    cJSON_free(resolved);
    cJSON_Delete(o);
    return rc;
}

static int store__fill_one(struct till_store *s, int64_t seq, const char *params, const char *prefix,
                           const cJSON *result, struct hilotill_error *e)
{
    cJSON *o = cJSON_Parse(params);
    char *filled = o && store__fill(o, prefix, result) ? cJSON_PrintUnformatted(o) : NULL;
    int rc;

    if (filled) {
        sqlite3_bind_int64(s->s[S_FILLED], 1, seq);
        store__text(s->s[S_FILLED], 2, filled);
        rc = store__do(s, S_FILLED, e);
    } else {
        rc = store__nomem(s, e);
    }
    cJSON_free(filled);
    cJSON_Delete(o);
    return rc;
}

static int store__fill_all(struct till_store *s, const char *id, const cJSON *result,
                           struct hilotill_error *e)
{
    sqlite3_stmt *q = s->s[S_REFERRING];
    char prefix[HILOTILL_ID + 3];
    int rc, ret = HILOTILL_OK;

    snprintf(prefix, sizeof prefix, "=%s/", id);
    store__text(q, 1, prefix);
    while (ret == HILOTILL_OK && (rc = sqlite3_step(q)) != SQLITE_DONE)
        ret = rc == SQLITE_ROW ? store__fill_one(s, sqlite3_column_int64(q, 0),
                                                 (const char *)sqlite3_column_text(q, 1), prefix, result, e)
                               : store__fail(s, rc, e);
    sqlite3_reset(q);
    sqlite3_clear_bindings(q);
    return ret;
}

/* For what is queued later and refers to it. */
static int store__result(struct till_store *s, const char *id, const cJSON *result, struct hilotill_error *e)
{
    char *json = cJSON_PrintUnformatted(result);
    int rc;

    if (!json)
        return store__nomem(s, e);
    store__text(s->s[S_RESULT], 1, id);
    store__text(s->s[S_RESULT], 2, json);
    rc = store__do(s, S_RESULT, e);
    cJSON_free(json);
    return rc == HILOTILL_OK ? store__do(s, S_RESULT_PRUNE, e) : rc;
}

int till_store_answered(struct till_store *s, const char *id, const cJSON *result, struct hilotill_error *e)
{
    int rc = store__do(s, S_BEGIN, e);

    if (rc != HILOTILL_OK)
        return rc;
    store__text(s->s[S_ANSWERED], 1, id);
    if ((rc = store__do(s, S_ANSWERED, e)) != HILOTILL_OK ||
        (result && ((rc = store__fill_all(s, id, result, e)) != HILOTILL_OK ||
                    (rc = store__result(s, id, result, e)) != HILOTILL_OK)) ||
        (rc = store__do(s, S_COMMIT, e)) != HILOTILL_OK)
        store__do(s, S_ROLLBACK, NULL);
    return rc;
}

/* A card number (-32004) is not kept here either. */
int till_store_refused(struct till_store *s, const char *id, int code, const char *why,
                       struct hilotill_error *e)
{
    store__text(s->s[S_REFUSED], 1, id);
    sqlite3_bind_int(s->s[S_REFUSED], 2, code);
    store__text(s->s[S_REFUSED], 3, why);
    return store__do(s, S_REFUSED, e);
}

int till_store_dismiss(struct till_store *s, const char *id, struct hilotill_error *e)
{
    int rc;

    store__text(s->s[S_DISMISS], 1, id);
    if ((rc = store__do(s, S_DISMISS, e)) != HILOTILL_OK)
        return rc;
    if (sqlite3_changes(s->db) == 0)
        return till_fail(
            e, HILOTILL_EARG,
            TILL_SAY(s->spanish, "there is no refused one with this id; what waits can't be dismissed",
                     "no hay ninguno rechazado con ese id; lo que espera no se puede descartar"));
    return HILOTILL_OK;
}

int till_store_again(struct till_store *s, const char *id, struct hilotill_error *e)
{
    int rc;

    store__text(s->s[S_AGAIN], 1, id);
    if ((rc = store__do(s, S_AGAIN, e)) != HILOTILL_OK)
        return rc;
    if (sqlite3_changes(s->db) == 0)
        return till_fail(e, HILOTILL_EARG,
                         TILL_SAY(s->spanish, "there is no refused one with this id",
                                  "no hay ninguno rechazado con ese id"));
    return HILOTILL_OK;
}

int till_store_count(struct till_store *s, uint32_t *waiting_out, uint32_t *refused_out,
                     struct hilotill_error *e)
{
    sqlite3_stmt *q = s->s[S_COUNT];
    int rc = sqlite3_step(q), ret = HILOTILL_OK;

    if (rc == SQLITE_ROW) {
        *waiting_out = (uint32_t)sqlite3_column_int(q, 0);
        *refused_out = (uint32_t)sqlite3_column_int(q, 1);
    } else {
        ret = store__fail(s, rc, e);
    }
    sqlite3_reset(q);
    return ret;
}

int till_store_items(struct till_store *s, int (*each)(void *, const struct hilotill_item *), void *arg,
                     struct hilotill_error *e)
{
    sqlite3_stmt *q = s->s[S_ITEMS];
    struct hilotill_item item;
    int rc, ret = HILOTILL_OK;

    while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
        item = (struct hilotill_item){
            .id = (const char *)sqlite3_column_text(q, 0),
            .method = (const char *)sqlite3_column_text(q, 1),
            .params = (const char *)sqlite3_column_text(q, 2),
            .at_ms = sqlite3_column_int64(q, 3),
            .code = sqlite3_column_int(q, 4),
            .error = (const char *)sqlite3_column_text(q, 5),
        };
        if (each(arg, &item)) {
            rc = SQLITE_DONE;
            break;
        }
    }
    if (rc != SQLITE_DONE)
        ret = store__fail(s, rc, e);
    sqlite3_reset(q);
    return ret;
}

/* ---- pushes ----------------------------------------------------------------------------------------------
 */

int till_store_push_done(struct till_store *s, const char *id, const char *message, bool refused,
                         const char *answer, bool whole, struct hilotill_error *e)
{
    int rc;

    store__text(s->s[S_PUSH_DONE], 1, id);
    store__text(s->s[S_PUSH_DONE], 2, message);
    sqlite3_bind_int(s->s[S_PUSH_DONE], 3, refused);
    store__text(s->s[S_PUSH_DONE], 4, answer);
    sqlite3_bind_int(s->s[S_PUSH_DONE], 5, whole);
    if ((rc = store__do(s, S_PUSH_DONE, e)) != HILOTILL_OK)
        return rc;
    /* If this fails there is more to prune the next time. */
    if (sqlite3_last_insert_rowid(s->db) % 64 == 0) {
        sqlite3_bind_int(s->s[S_PUSH_PRUNE], 1, STORE_PUSHES);
        store__do(s, S_PUSH_PRUNE, NULL);
    }
    return HILOTILL_OK;
}

int till_store_push_seen(struct till_store *s, const char *id, const char *message,
                         struct till_push_done *out, struct hilotill_error *e)
{
    sqlite3_stmt *q = s->s[S_PUSH_SEEN];
    char *answer;
    int rc, ret;

    store__text(q, 1, id);
    store__text(q, 2, message);
    rc = sqlite3_step(q);
    if (rc == SQLITE_ROW) {
        ret = 1;
        if ((answer = store__column(q, 1)))
            *out = (struct till_push_done){sqlite3_column_int(q, 0) != 0, answer};
        else
            ret = store__nomem(s, e);
    } else {
        ret = rc == SQLITE_DONE ? 0 : store__fail(s, rc, e);
    }
    sqlite3_reset(q);
    sqlite3_clear_bindings(q);
    return ret;
}

int till_store_push_last(struct till_store *s, char **id_out, struct hilotill_error *e)
{
    sqlite3_stmt *q = s->s[S_PUSH_LAST];
    int rc = sqlite3_step(q), ret = HILOTILL_OK;
    char *id = NULL;

    if (rc == SQLITE_ROW && !(id = store__column(q, 0)))
        ret = store__nomem(s, e);
    else if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        ret = store__fail(s, rc, e);
    else
        *id_out = id;
    sqlite3_reset(q);
    return ret;
}

/* ---- answers kept
 * ---------------------------------------------------------------------------------------------- */

static bool store__digest(const char *key, unsigned char out[32])
{
    unsigned n = 32;

    return EVP_Digest(key, strlen(key), out, &n, EVP_sha256(), NULL) == 1;
}

int till_store_keep(struct till_store *s, const char *key, const char *json, int64_t at_ms, int64_t oldest_ms,
                    uint32_t max, struct hilotill_error *e)
{
    sqlite3_stmt *q = s->s[S_KEEP];
    unsigned char digest[32];
    int rc;

    if (!store__digest(key, digest))
        return store__nomem(s, e);
    sqlite3_bind_blob(q, 1, digest, sizeof digest, SQLITE_STATIC);
    store__text(q, 2, json);
    sqlite3_bind_int64(q, 3, at_ms);
    if ((rc = store__do(s, S_KEEP, e)) != HILOTILL_OK)
        return rc;
    sqlite3_bind_int64(s->s[S_KEEP_PRUNE], 1, oldest_ms);
    sqlite3_bind_int64(s->s[S_KEEP_PRUNE], 2, max);
    return store__do(s, S_KEEP_PRUNE, e);
}

int till_store_kept(struct till_store *s, const char *key, int64_t oldest_ms, char **json_out,
                    int64_t *at_ms_out, struct hilotill_error *e)
{
    sqlite3_stmt *q = s->s[S_KEPT];
    unsigned char digest[32];
    char *json;
    int rc, ret = HILOTILL_OK;

    if (!store__digest(key, digest))
        return store__nomem(s, e);
    sqlite3_bind_blob(q, 1, digest, sizeof digest, SQLITE_STATIC);
    sqlite3_bind_int64(q, 2, oldest_ms);
    rc = sqlite3_step(q);
    if (rc == SQLITE_ROW) {
        if ((json = store__column(q, 0))) {
            *json_out = json;
            *at_ms_out = sqlite3_column_int64(q, 1);
        } else {
            ret = store__nomem(s, e);
        }
    } else if (rc == SQLITE_DONE) {
        ret = till_fail(e, HILOTILL_EARG,
                        TILL_SAY(s->spanish, "nothing is kept of this", "no hay nada guardado de esto"));
    } else {
        ret = store__fail(s, rc, e);
    }
    sqlite3_reset(q);
    sqlite3_clear_bindings(q);
    return ret;
}

int till_store_forget(struct till_store *s, struct hilotill_error *e)
{
    return store__do(s, S_FORGET, e);
}
