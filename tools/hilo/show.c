/* What commands share: who is meant, pages, and answers for people or programs. */
#include "cli.h"
#include <string.h>

static const struct {
    const char *option, *member;
} schemes[] = {{"phone", "phone"},       {"email", "email"},     {"document", "document"},
               {"whatsapp", "whatsapp"}, {"loyalty", "loyalty"}, {"web-visitor", "web_visitor"}};

cJSON *who_object(const struct cli *cli, size_t *n_out)
{
    cJSON *o = cJSON_CreateObject();

    *n_out = 0;
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        const char *v = arg(cli, schemes[i].option);
        if (v && cJSON_AddStringToObject(o, schemes[i].member, v))
            ++*n_out;
    }
    return o;
}

int who_resolve(struct cli *cli, const char *id, struct text *id_out)
{
    size_t n;
    cJSON *who = who_object(cli, &n);
    struct answer a = {0};
    const cJSON *found;
    int rc, hits;

    if ((id != NULL) + n != 1) {
        rc = usage_error(cli, "say who by exactly one of: a customer's id, --phone, --email, --document, "
                              "--whatsapp, --loyalty, --web-visitor");
        goto out;
    }
    if (id) {
        text_add(id_out, id);
        rc = EXIT_OK;
        goto out;
    }
    rc = client_call(cli, "POST", "/v1/customers/search", who, NULL, &a);
    if (rc != EXIT_OK)
        goto out;
    found = json_at(a.json, "customers");
    hits = cJSON_GetArraySize(found);
    if (hits != 1) {
        rc = EXIT_REFUSED;
        complain(hits ? "several customers are found; say which by its id (hilo customer find)"
                      : "no customer is found; hilo customer create makes one");
        goto out;
    }
    text_add(id_out, json_text(found->child, "id"));
out:
    answer_done(&a);
    cJSON_Delete(who);
    return rc;
}

void path_query(struct text *path, const char *name, const char *value)
{
    if (!value)
        return;
    text_fmt(path, "%s%s=", strchr(text_z(path), '?') ? "&" : "?", name);
    text_add_url(path, value);
}

void path_page(const struct cli *cli, struct text *path)
{
    path_query(path, "limit", arg(cli, "limit"));
    path_query(path, "cursor", arg(cli, "cursor"));
}

void show_json(const struct answer *a)
{
    if (a->body.n == 0)
        return;
    (void)fwrite(a->body.p, 1, a->body.n, stdout);
    if (a->body.p[a->body.n - 1] != '\n')
        (void)putchar('\n');
}

static void show__quiet(const cJSON *object, const char *member)
{
    struct text out = {0};

    text_add_shown(&out, json_text(object, member));
    (void)puts(text_z(&out));
    text_done(&out);
}

int show_object(struct cli *cli, const struct answer *a, const char *quiet_member, const struct column *col,
                size_t n)
{
    if (cli->json)
        show_json(a);
    else if (cli->quiet)
        show__quiet(a->json, quiet_member);
    else
        details_print(&cli->screen, a->json, col, n);
    return EXIT_OK;
}

int show_list(struct cli *cli, const struct answer *a, const char *list, const struct column *col, size_t n,
              bool backwards, struct label none)
{
    static const struct label older = {"older ones", "anteriores"}, more = {"more", "más"};
    const cJSON *array = json_at(a->json, list), *e;
    const char *next = json_text(a->json, "next");
    struct text cursor = {0};

    if (cli->json) {
        show_json(a);
        return EXIT_OK;
    }
    if (cli->quiet) {
        cJSON_ArrayForEach(e, array)
        {
            show__quiet(e, cJSON_HasObjectItem(e, "id") ? "id" : "name");
        }
        return EXIT_OK;
    }
    text_add_shown(&cursor, next);
    if (cursor.n && backwards)
        (void)printf("%s: --cursor %s\n", say(&cli->screen, older), text_z(&cursor));
    table_print(&cli->screen, array, col, n, backwards, none);
    if (cursor.n && !backwards)
        (void)printf("%s: --cursor %s\n", say(&cli->screen, more), text_z(&cursor));
    text_done(&cursor);
    return EXIT_OK;
}
