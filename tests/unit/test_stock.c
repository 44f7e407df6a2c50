/* What a customer is told when what she waits for has arrived; and what fits what. */
#include "base/str.h"
#include "services/stock.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct said {
    struct gateway gw;
    struct ev_stock_arrived ev;
    struct rec_wish wish;
    struct rec_customer who;
    struct arena *arena;
};

static int setup(void **state)
{
    struct said *s = calloc(1, sizeof *s);

    assert_non_null(s);
    s->arena = arena_new();
    s->gw.language = STR("en");
    s->wish.sku = STR("CAM-7");
    s->ev.sku = STR("CAM-7");
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct said *s = *state;

    arena_free(&s->arena);
    free(s);
    return 0;
}

static void says(struct said *s, const char *text)
{
    struct hilo_str content;
    struct fault f = {0};

    if (stock__words(&s->gw, &s->ev, &s->wish, &s->who, s->arena, &content, &f) != 0)
        fail_msg("%s", f.text);
    const struct hilo_str is = hilo_get_str(content, HILO_T_CONTENT_TEXT);
    if (!str_eq(is, str(text)))
        fail_msg("\"%.*s\" was said, not \"%s\"", STR_FMT(is), text);
}

static void in_her_language_with_what_is_known(void **state)
{
    struct said *s = *state;

    says(s, "CAM-7 is here.");
    s->who.name = STR("Ana");
    says(s, "Hello Ana. CAM-7 is here.");
    s->ev.title = STR("Camisa azul");
    s->who.language = STR("es-CO");
    s->wish.size = STR("M");
    says(s, "Hola, Ana. Ya hay Camisa azul (M).");
    s->wish.store = STR("Centro");
    says(s, "Hola, Ana. Ya hay Camisa azul (M), en Centro.");
    s->wish.link = STR("https://t.co/her");
    says(s, "Hola, Ana. Ya hay Camisa azul (M). Para comprar: https://t.co/her");
    s->ev.link = STR("https://t.co/c");
    s->ev.size = STR("m");
    s->ev.colour = STR("azul");
    says(s, "Hola, Ana. Ya hay Camisa azul (m, azul). Para comprar: https://t.co/c");
    /* A language that the gateway does not speak: the gateway's own would be as strange, so English. */
    s->who.language = STR("pt");
    says(s, "Hello Ana. Camisa azul (m, azul) is here. To buy: https://t.co/c");
    s->who.language = (struct hilo_str){0};
    s->gw.language = STR("es");
    says(s, "Hola, Ana. Ya hay Camisa azul (m, azul). Para comprar: https://t.co/c");
}

/* Whatever a name holds, it stays within its string, and is not looked at again. */
static void what_is_given_is_filled_in(void **state)
{
    struct said *s = *state;

    s->ev.content =
        STR("{\"type\":\"text\",\"text\":\"{name}/{title}/{size}/{colour}/{store}/{link}/{other}/{nam\"}");
    s->who.name = STR("A\"n\\a {title}\n\",\"x\":\"");
    s->ev.title = STR("T");
    s->wish.size = STR("M");
    s->ev.link = STR("https://t.co/?a=1&b={name}");
    says(s, "A\"n\\a {title}\n\",\"x\":\"/T/M///https://t.co/?a=1&b={name}/{other}/{nam");
    /* Everywhere in a content. */
    s->who.name = STR("Ana");
    s->ev.content = STR(
        "{\"type\":\"template\",\"name\":\"ya_hay\",\"language\":\"es\",\"parameters\":{\"body\":[\"{name}\","
        "\"{link}\"]}}");
    struct hilo_str content;
    struct fault f = {0};
    assert_int_equal(stock__words(&s->gw, &s->ev, &s->wish, &s->who, s->arena, &content, &f), 0);
    assert_int_equal(hilo_get_u64(content, HILO_T_CONTENT_TYPE), HILO_CONTENT_TEMPLATE);
    assert_non_null(memmem(content.p, (size_t)content.n, "Ana", 3));
    assert_non_null(memmem(content.p, (size_t)content.n, "https://t.co/?a=1&b={name}", 26));
}

static void what_is_no_content_is_a_fault(void **state)
{
    static const char *const wrong[] = {"{\"type\":\"text\"", "{\"type\":\"nothing\"}", "[]", "{\"text\":7}",
                                        "{name}"};
    struct said *s = *state;
    struct hilo_str content;

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct fault f = {0};
        s->ev.content = str(wrong[i]);
        assert_int_equal(stock__words(&s->gw, &s->ev, &s->wish, &s->who, s->arena, &content, &f), -1);
        assert_string_equal(f.code, "invalid_content");
        assert_string_equal(f.pointer, "/content");
    }
}

static void what_contradicts_nothing_fits(void **state)
{
    static const struct {
        struct stock_item a, b;
        bool fit;
    } all[] = {
        {{.size = {"M", 1}}, {.size = {"m", 1}}, true},
        {{.size = {"M", 1}}, {.size = {"L", 1}}, false},
        {{.size = {"M", 1}}, {.size = {"XM", 2}}, false},
        {{.size = {"M", 1}}, {.colour = {"azul", 4}}, true},
        {{.size = {"4", 1}}, {.size = {"T", 1}}, false}, /* 0x34 and 0x54: one bit apart, no letters both */
        {{.colour = {"@", 1}}, {.colour = {"`", 1}}, false},
        {{.colour = {"AZUL", 4}, .store = {"CENTRO", 6}},
         {.colour = {"azul", 4}, .store = {"centro", 6}},
         true},
        {{.store = {"CENTRO", 6}}, {.store = {"SUR", 3}}, false},
        {{.store = {"CENTRO", 6}}, {.sku = {"X", 1}}, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        assert_int_equal(stock__fits(&all[i].a, &all[i].b), all[i].fit);
        assert_int_equal(stock__fits(&all[i].b, &all[i].a), all[i].fit);
    }
    assert_true(stock_sku_ok(STR("A/1 ñ")));
    assert_false(stock_sku_ok(STR("")));
    assert_false(stock_sku_ok(STR("a\nb")));
    assert_false(stock_sku_ok(STR("\xff")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(in_her_language_with_what_is_known, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_given_is_filled_in, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_content_is_a_fault, setup, teardown),
        cmocka_unit_test(what_contradicts_nothing_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
