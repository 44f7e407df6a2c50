/*
 * Test plugins whose descriptor is wrong in one way each: the Makefile builds this file
 * once for each BROKEN_x below. The loader must refuse them all, saying why.
 */
#include <hilo/plugin.h>

struct conf {
    struct hilo_str text;
    int64_t number;
};

#define UNUSED __attribute__((unused)) /* what a descriptor leaves out */

UNUSED static const struct hilo_option options[] = {
    {HILO_OPTION(struct conf, text, HILO_OPT_STR), .name = "text", .help = "A text."},
#if defined(BROKEN_option_type)
    {.name = "number", .type = 99, .offset = offsetof(struct conf, number)},
#elif defined(BROKEN_option_offset)
    {.name = "number", .type = HILO_OPT_INT, .offset = sizeof(struct conf)},
#elif defined(BROKEN_option_overlap)
    {.name = "number", .type = HILO_OPT_INT, .offset = offsetof(struct conf, text) + 8},
#elif defined(BROKEN_option_twice)
    {.name = "text", .type = HILO_OPT_INT, .offset = offsetof(struct conf, number)},
#elif defined(BROKEN_option_unnamed)
    {.name = NULL, .type = HILO_OPT_INT, .offset = offsetof(struct conf, number)},
#elif defined(BROKEN_option_choices)
    {.name = "number", .type = HILO_OPT_ENUM, .offset = offsetof(struct conf, number)},
#elif defined(BROKEN_option_limits)
    {.name = "number", .type = HILO_OPT_INT, .offset = offsetof(struct conf, number), .min = 2, .max = 1},
#elif defined(BROKEN_option_required)
    {.name = "number",
     .type = HILO_OPT_INT,
     .offset = offsetof(struct conf, number),
     .flags = HILO_OPT_REQUIRED,
     .def = "1"},
#else
    {HILO_OPTION(struct conf, number, HILO_OPT_INT), .name = "number", .help = "A number."},
#endif
};

UNUSED static int32_t open_it(const struct hilo_host *host, struct hilo_self *self, const void *conf,
                              void **inst)
{
    (void)host;
    (void)self;
    (void)conf;
    *inst = NULL;
    return HILO_OK;
}
UNUSED static int32_t send_it(void *inst, struct hilo_id id, struct hilo_str message)
{
    (void)inst;
    (void)id;
    (void)message;
    return HILO_PERM;
}
UNUSED static void close_it(void *inst)
{
    (void)inst;
}

UNUSED static const struct hilo_abilities abilities = {
#ifdef BROKEN_abilities_small
    .size = 8
#else
    .size = sizeof(struct hilo_abilities)
#endif
};

#if defined(BROKEN_other_major)
#define DESCRIPTOR hilo_plugin_v2
extern HILO_EXPORT const struct hilo_plugin hilo_plugin_v2;
#elif defined(BROKEN_no_symbol)
#define DESCRIPTOR something_else
extern HILO_EXPORT const struct hilo_plugin something_else;
#else
#define DESCRIPTOR hilo_plugin_v1
#endif

#ifdef BROKEN_tiny_symbol
HILO_EXPORT extern const struct tiny {
    uint32_t magic;
} tiny;
const struct tiny tiny = {HILO_PLUGIN_MAGIC};
__asm__(".globl hilo_plugin_v1\n.set hilo_plugin_v1, tiny\n.type hilo_plugin_v1, @object\n.size "
        "hilo_plugin_v1, 4");
#define UNUSED_DESCRIPTOR static UNUSED
#undef DESCRIPTOR
#define DESCRIPTOR unused_descriptor
#else
#define UNUSED_DESCRIPTOR
#endif

#ifdef BROKEN_constructor
__attribute__((constructor)) static void end_it(void)
{
    __builtin_trap();
}
#endif

UNUSED_DESCRIPTOR const struct hilo_plugin DESCRIPTOR = {
#ifdef BROKEN_magic
    .magic = 0x12345678,
#else
    .magic = HILO_PLUGIN_MAGIC,
#endif
#if defined(BROKEN_small)
    .size = 64,
#elif defined(BROKEN_size_lies)
    .size = sizeof(struct hilo_plugin) + 64,
#else
    .size = sizeof(struct hilo_plugin),
#endif
    .minor = HILO_PLUGIN_MINOR,
#ifdef BROKEN_option_size
    .option_size = 8,
#else
    .option_size = sizeof(struct hilo_option),
#endif
    .provides = HILO_CAN_SEND
#ifdef BROKEN_no_committed
                | HILO_CAN_RECEIVE
#endif
#ifdef BROKEN_no_request
                | HILO_CAN_REQUEST
#endif
#ifdef BROKEN_no_fetch
                | HILO_CAN_FETCH
#endif
    ,
#ifdef BROKEN_requires
    .requires = HILO_CAN_SEND | (UINT64_C(1) << 17),
#endif
#ifdef BROKEN_scopes /* not the loader's to refuse */
    .name = "bad",
    .scopes = "cases:read keys:write",
#elif !defined(BROKEN_unnamed)
    .name = "broken",
#endif
#ifndef BROKEN_no_version
    .version = "1.0",
#endif
#ifndef BROKEN_no_abilities
    .abilities = &abilities,
#endif
#ifndef BROKEN_option_table
    .options = options,
#endif
    .n_options = sizeof options / sizeof options[0],
    .conf_size = sizeof(struct conf),
#ifndef BROKEN_no_open
    .open = open_it,
#endif
#ifndef BROKEN_no_send
    .send = send_it,
#endif
#ifndef BROKEN_no_close
    .close = close_it,
#endif
};
