/* A frame of a terminal: read as JSON-RPC, its params judged by its method, and what was kept for it read
 * back. What is taken must be printable as a frame again. */
#include "../../plugins/pos/json.h"
#include "../../plugins/pos/method.h"
#include "../../plugins/pos/person.h"
#include "../../plugins/pos/queue.h"
#include "../../plugins/pos/route.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void request(struct hilo_str text)
{
    const struct pos_method *m;
    struct pos_fault f;
    struct pos_rpc r;
    const char *why;
    cJSON *again;
    char *frame;
    size_t n;

    if (pos_rpc_parse(text, &r, &f) != 0) {
        frame = pos_rpc_error(r.id[0] ? r.id : NULL, &f, &n);
    } else if (!r.method) {
        frame = pos_rpc_result(r.id, cJSON_Duplicate(r.result ? r.result : r.error, 1), &n);
    } else {
        m = pos_method_find(r.method);
        if (m && pos_method_check(m, r.params, INT64_C(1795791845000000), &f) == 0 &&
            strcmp(m->name, "customer.find") == 0)
            cJSON_Delete(pos_person_by(pos_json_get(r.params, "by"), "CO", &f));
        frame = pos_rpc_request(r.id, r.method, cJSON_Duplicate(r.params, 1), &n);
    }
    if (!frame)
        abort();
    again = pos_json_parse((struct hilo_str){frame, n}, 32, &why);
    if (!again)
        abort();
    cJSON_Delete(again);
    free(frame);
    pos_rpc_done(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hilo_str text = {(const char *)data, size};
    struct pos_entries q;
    struct pos_route route;
    char *kept;

    if (size == 0)
        return 0;
    request(text);
    pos_entries_init(&q);
    (void)pos_entries_read(&q, text);
    kept = pos_entries_write(&q);
    free(kept);
    pos_entries_free(&q);
    if (pos_route((struct hilo_str){"evt_1", 5}, text, INT64_C(1795791845000000), &route))
        cJSON_Delete(route.params);
    return 0;
}
