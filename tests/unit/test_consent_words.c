/* Which texts are words that end or begin messages, and which only look like them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/str.h"
#include "services/consent_watch.h"
#include "services/consent_words.h"
#include <stdio.h>

static struct arena *arena;
static const struct consent_rules usual = {.languages = WORD_EN | WORD_ES | WORD_PT};

static const struct {
    const char *said;
    uint32_t kind;
} typed[] = {
    {"STOP", WORD_STOP},
    {"stop", WORD_STOP},
    {"  Stop.\n", WORD_STOP},
    {"¡STOP!", WORD_STOP},
    {"«stop»", WORD_STOP},
    {"STOP!!! 🛑", WORD_STOP},
    {"ＳＴＯＰ", WORD_STOP},
    {"stóp", WORD_STOP},
    {"sto\xcc\x81p", WORD_STOP}, /* o and a combining accent */
    {"\xef\xbb\xbfSTOP", WORD_STOP},
    {"Stop all", WORD_STOP},
    {"opt-out", WORD_STOP},
    {"Opt   Out", WORD_STOP},
    {"UNSUBSCRIBE", WORD_STOP},
    {"end", WORD_STOP},
    {"Quit", WORD_STOP},
    {"revoke", WORD_STOP},
    {"cancel", WORD_STOP},
    {"BAJA", WORD_STOP},
    {"Baja", WORD_STOP},
    {"bája", WORD_STOP},
    {"¡Baja!", WORD_STOP},
    {"Darme de baja", WORD_STOP},
    {"dar de baja.", WORD_STOP},
    {"ALTO", WORD_STOP},
    {"Parar", WORD_STOP},
    {"CANCELAR", WORD_STOP},
    {"salir", WORD_STOP},
    {"no más", WORD_STOP},
    {"NO, MÁS", WORD_STOP},
    {"Sair", WORD_STOP},
    {"descadastrar", WORD_STOP},
    {"parar promoções", WORD_STOP},
    {"Detener promociones", WORD_STOP},
    {"START", WORD_START},
    {"unstop", WORD_START},
    {"Alta", WORD_START},
    {"dar de alta", WORD_START},
    {"voltar", WORD_START},
    {"HELP", WORD_HELP},
    {"¿Ayuda?", WORD_HELP},
    {"ajuda", WORD_HELP},
    /* near misses */
    {"", WORD_NONE},
    {" ", WORD_NONE},
    {"!!!", WORD_NONE},
    {"🛑", WORD_NONE},
    {"STOPP", WORD_NONE},
    {"STO", WORD_NONE},
    {"S T O P", WORD_NONE},
    {"S.T.O.P", WORD_NONE},
    {"stop stop", WORD_NONE},
    {"STOP2", WORD_NONE},
    {"please stop", WORD_NONE},
    {"stop by at five", WORD_NONE},
    {"don't stop", WORD_NONE},
    {"non-stop", WORD_NONE},
    {"nonstop", WORD_NONE},
    {"no me den de baja el plan", WORD_NONE},
    {"la baja calidad", WORD_NONE},
    {"baja california", WORD_NONE},
    {"bajar", WORD_NONE},
    {"trabaja", WORD_NONE},
    {"quiero cancelar la cita", WORD_NONE},
    {"cancelarla", WORD_NONE},
    {"alto y claro", WORD_NONE},
    {"el más alto", WORD_NONE},
    {"no", WORD_NONE},
    {"no más que eso", WORD_NONE},
    {"fin de semana", WORD_NONE},
    {"the end", WORD_NONE},
    {"start tomorrow", WORD_NONE},
    {"alta definición", WORD_NONE},
    {"necesito ayuda", WORD_NONE},
    {"yes", WORD_NONE},
    {"sí", WORD_NONE},
    {"info", WORD_NONE},
    {"СТОП", WORD_NONE},
    {"stop\xff", WORD_NONE}, /* no UTF-8 */
    {"\xff\xfe", WORD_NONE},
    {"stop\nby", WORD_NONE},
};

static void a_word_alone_is_a_word(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof typed / sizeof *typed; i++)
        if (word_find(&usual, str(typed[i].said), false, arena).kind != typed[i].kind)
            fail_msg("\"%s\" should be %u", typed[i].said, typed[i].kind);
}

static void a_long_text_is_none_however_it_is_padded(void **state)
{
    char pad[1000];

    (void)state;
    memset(pad, ' ', sizeof pad);
    memcpy(pad + 100, "STOP", 4);
    assert_int_equal(word_find(&usual, str_n(pad, 200), false, arena).kind, WORD_STOP);
    assert_int_equal(word_find(&usual, str_n(pad, 1000), false, arena).kind, WORD_NONE);
    memset(pad, 'a', sizeof pad);
    assert_int_equal(word_fold(arena, str_n(pad, 65)).n, 0);
    assert_int_equal(word_fold(arena, str_n(pad, 64)).n, 64);
}

/* A button that is called Cancel cancels something else than messages. */
static void a_button_needs_an_unmistakable_word(void **state)
{
    static const struct {
        const char *payload;
        uint32_t kind;
    } taps[] = {{"STOP", WORD_STOP},
                {"Stop promotions", WORD_STOP},
                {"Detener promociones", WORD_STOP},
                {"BAJA", WORD_STOP},
                {"unsubscribe", WORD_STOP},
                {"START", WORD_START},
                {"Cancelar", WORD_NONE},
                {"cancel", WORD_NONE},
                {"Salir", WORD_NONE},
                {"Alta", WORD_NONE},
                {"Alto", WORD_NONE},
                {"Ayuda", WORD_NONE},
                {"stop_watch_7", WORD_NONE}};

    (void)state;
    for (size_t i = 0; i < sizeof taps / sizeof *taps; i++)
        if (word_find(&usual, str(taps[i].payload), true, arena).kind != taps[i].kind)
            fail_msg("the button \"%s\" should be %u", taps[i].payload, taps[i].kind);
}

static void the_operators_words_go_first(void **state)
{
    struct own_word ignored = {.kind = WORD_IGNORED, .text = word_fold(arena, STR("Cancelar"))};
    struct own_word basta = {
        .next = &ignored, .kind = WORD_STOP, .text = word_fold(arena, STR("¡Basta ya!"))};
    const struct consent_rules r = {.words = &basta, .languages = WORD_ES};

    (void)state;
    assert_int_equal(word_find(&r, STR("BASTA, YA"), false, arena).kind, WORD_STOP);
    assert_int_equal(word_find(&r, STR("basta ya"), true, arena).kind, WORD_STOP);
    assert_int_equal(word_find(&r, STR("basta"), false, arena).kind, WORD_NONE);
    assert_int_equal(word_find(&r, STR("cancelar"), false, arena).kind, WORD_NONE);
    assert_int_equal(word_find(&r, STR("baja"), false, arena).kind, WORD_STOP);
    assert_int_equal(word_find(&r, STR("quit"), false, arena).kind, WORD_NONE); /* English */
    assert_int_equal(word_find(&r, STR("stop"), false, arena).kind, WORD_STOP); /* everybody's */
    const struct consent_rules none = {0};
    assert_int_equal(word_find(&none, STR("stop"), false, arena).kind, WORD_NONE);
}

static void only_stop_is_firm(void **state)
{
    (void)state;
    assert_true(word_find(&usual, STR("stop"), false, arena).flags & WORD_FIRM);
    assert_false(word_find(&usual, STR("baja"), false, arena).flags & WORD_FIRM);
    assert_false(word_find(&usual, STR("cancelar"), false, arena).flags & WORD_FIRM);
    assert_int_equal(word_find(&usual, STR("baja"), false, arena).language, WORD_ES);
    assert_int_equal(word_find(&usual, STR("quit"), false, arena).language, WORD_EN);
    assert_int_equal(word_find(&usual, STR("stop"), false, arena).language, 0);
}

#define ANSWER(rules, kind, language) word_answer(rules, kind, STR(language), STR("Tienda"), arena)
#define HOLDS(answer, words)          assert_non_null(memmem((answer).p, (answer).n, words, strlen(words)))

static void answers_are_in_the_persons_language(void **state)
{
    struct own_text any = {.kind = WORD_STOP, .text = STR("Listo, {name}.")};
    struct own_text fr = {.next = &any, .kind = WORD_STOP, .language = STR("fr"), .text = STR("Fini")};
    const struct consent_rules r = {.texts = &fr};

    (void)state;
    HOLDS(ANSWER(&usual, WORD_STOP, "es-CO"), "Tienda: ya no le enviaremos");
    HOLDS(ANSWER(&usual, WORD_START, "es"), "Responda BAJA");
    HOLDS(ANSWER(&usual, WORD_STOP, "en"), "Reply START");
    HOLDS(ANSWER(&usual, WORD_STOP, "pt-BR"), "VOLTAR");
    HOLDS(ANSWER(&usual, WORD_STOP, "de"), "Reply START");
    HOLDS(ANSWER(&usual, WORD_STOP, "est"), "Reply START"); /* Estonian */
    HOLDS(ANSWER(&usual, WORD_STOP, ""), "Reply START");
    assert_int_equal(ANSWER(&usual, WORD_HELP, "es").n, 0);
    assert_true(str_eqz(ANSWER(&r, WORD_STOP, "fr-CA"), "Fini"));
    assert_true(str_eqz(ANSWER(&r, WORD_STOP, "es"), "Listo, Tienda."));
    HOLDS(ANSWER(&r, WORD_START, "es"), "Tienda: le enviaremos");
}

static void the_watch_forgets_nobody(void **state)
{
    struct consent_watch *w = consent_watch_new();
    unsigned wrong = 0;
    char key[32];

    (void)state;
    assert_true(consent_watch_empty(w));
    for (unsigned i = 0; i < 100000; i++)
        consent_watch_add(w, str_n(key, (size_t)snprintf(key, sizeof key, "+57300%u", i)));
    assert_false(consent_watch_empty(w));
    for (unsigned i = 0; i < 100000; i++)
        assert_true(consent_watch_has(w, str_n(key, (size_t)snprintf(key, sizeof key, "+57300%u", i))));
    for (unsigned i = 0; i < 100000; i++)
        wrong += consent_watch_has(w, str_n(key, (size_t)snprintf(key, sizeof key, "+57301%u", i)));
    assert_true(wrong < 100); /* 2 are expected */
    consent_watch_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_alone_is_a_word),
        cmocka_unit_test(a_long_text_is_none_however_it_is_padded),
        cmocka_unit_test(a_button_needs_an_unmistakable_word),
        cmocka_unit_test(the_operators_words_go_first),
        cmocka_unit_test(only_stop_is_firm),
        cmocka_unit_test(answers_are_in_the_persons_language),
        cmocka_unit_test(the_watch_forgets_nobody),
    };

    arena = arena_new();
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(&arena);
    return rc;
}
