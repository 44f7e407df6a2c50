/*
 * What a worker says of a plugin's file, read by the core: options whose fields lie within
 * the struct, texts that end, and what is accepted says the same when it is told again.
 */
#include "base/check.h"
#include "base/str.h"
#include "plug/loader.h"
#include "plug/setup.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static struct plugin *read_it(struct hilo_str bytes)
{
    const struct stat st = {0};
    struct plugin *p = loader_plugin_new("/fuzz.so", &st);
    struct err e;

    p->arena = arena_new();
    if (setup_described(bytes, p, &e) != HILO_OK)
        loader_plugin_free(&p);
    return p;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const struct hilo_str text =
        STR("caf\xc3\xa9 \xe2\x82\xac 12 \xf0\x9f\x98\x80 y m\xc3\xa1s palabras que ocupan sitio");
    struct plugin *p = read_it(str_n(bytes, n)), *again;
    struct hilo_segments plan;
    struct arena *a;
    struct hilo_str said;

    if (!p)
        return 0;
    CHECK(p->desc.conf_size <= LOADER_CONF_MAX && p->desc.n_options <= LOADER_OPTIONS_MAX);
    CHECK(strlen(p->desc.name) > 0 && strlen(p->desc.version) > 0 && !p->desc.open);
    for (uint32_t i = 0; i < p->desc.n_options; i++) {
        const struct hilo_option *o = &p->desc.options[i];
        CHECK(o->name && o->offset % 8 == 0 && o->offset + 8u <= p->desc.conf_size);
        if (o->type == HILO_OPT_STR || o->type == HILO_OPT_URL)
            CHECK(o->offset + sizeof(struct hilo_str) <= p->desc.conf_size);
        CHECK((!o->def || strlen(o->def) < n) && (!o->help || strlen(o->help) < n));
    }
    /* Whatever rules it says, a text can be counted and cut by them. */
    if (hilo_segments_measure(text, &plugin_abilities(p)->segment, &plan) == HILO_OK) {
        uint64_t cut = 0;
        for (struct hilo_str rest = text, part; hilo_segment_next(&plan, &rest, &part); cut += part.n)
            CHECK(part.n > 0);
        CHECK(cut == text.n && plan.segments > 0);
    }
    a = arena_new();
    said = setup_describe(p, a);
    again = read_it(said);
    CHECK(again && again->desc.n_options == p->desc.n_options && strcmp(again->desc.name, p->desc.name) == 0);
    CHECK(str_eq(said, setup_describe(again, a)));
    loader_plugin_free(&again);
    loader_plugin_free(&p);
    arena_free(&a);
    return 0;
}
