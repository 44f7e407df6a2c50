/* The field table: what fields.def and values.def say, found by tag and by name. */
#include "model_util.h"
#include "model/table.h"

static void fields_are_found_by_tag_and_by_name(void **state)
{
    const struct model_field *f = model_field(MODEL_G_CONTENT, HILO_T_CONTENT_CHOICES);

    (void)state;
    assert_string_equal(f->json, "choices");
    assert_int_equal(f->type, MODEL_GROUP);
    assert_int_equal(f->arg, MODEL_G_CHOICE);
    assert_int_equal(f->flags, MODEL_REPEATED);
    assert_ptr_equal(model_field_json(MODEL_G_CONTENT, STR("choices")), f);
    f = model_field(MODEL_G_MSG, HILO_T_MSG_CASE);
    assert_string_equal(f->prefix, "cas");
    f = model_field(MODEL_G_PARAMS, HILO_T_PARAMS_BODY);
    assert_int_equal(f->flags, MODEL_REPEATED | MODEL_SHORT);
    assert_null(model_field(MODEL_G_MSG, 0));
    assert_null(model_field(MODEL_G_PHONE, 4));
    assert_null(model_field(MODEL_G_MSG, UINT32_MAX));
    assert_null(model_field_json(MODEL_G_MSG, STR("")));
    assert_null(model_field_json(MODEL_G_MSG, STR("choices")));
}

/* Every field of every group: found again by both ways, and no name twice. */
static void the_table_agrees_with_itself(void **state)
{
    size_t g, i, k, n;

    (void)state;
    for (g = 0; g < MODEL_GROUPS; g++) {
        const struct model_field *f = model_fields((enum model_group)g, &n);

        assert_true(n > 0 && n < 64);
        for (i = 0; i < n; i++) {
            assert_int_equal(f[i].tag, i + 1);
            assert_ptr_equal(model_field((enum model_group)g, f[i].tag), &f[i]);
            assert_ptr_equal(model_field_json((enum model_group)g, str(f[i].json)), &f[i]);
            assert_int_equal(f[i].json_n, strlen(f[i].json));
            for (k = 0; k < i; k++)
                assert_string_not_equal(f[i].json, f[k].json);
            if (f[i].flags & MODEL_SHORT)
                assert_non_null(model_field_json(f[i].arg, STR("text")));
        }
    }
}

static void values_have_names_and_ranks(void **state)
{
    (void)state;
    assert_string_equal(model_value_text(MODEL_E_CONTENT, HILO_CONTENT_CHOICE_REPLY), "choice_reply");
    assert_int_equal(model_value(MODEL_E_SCHEME, STR("web_visitor")), HILO_SCHEME_WEB_VISITOR);
    assert_int_equal(model_value(MODEL_E_SCHEME, STR("Phone")), 0);
    assert_null(model_value_text(MODEL_E_STATUS, 0));
    assert_null(model_value_text(MODEL_E_STATUS, HILO_STATUS__END));
    assert_null(model_value_text(MODEL_E_STATUS, UINT64_MAX));
    assert_int_equal(model_status_rank(HILO_STATUS_ACCEPTED), 0);
    assert_int_equal(model_status_rank(HILO_STATUS_FAILED), 4);
    assert_int_equal(model_status_rank(HILO_STATUS_READ), 6);
    assert_int_equal(model_status_rank(0), -1);
    assert_int_equal(model_status_rank(99), -1);
}

static void near_names_are_suggested(void **state)
{
    (void)state;
    assert_string_equal(model_field_near(MODEL_G_CHOICE, STR("tittle"))->json, "title");
    assert_string_equal(model_field_near(MODEL_G_MSG, STR("chanel"))->json, "channel");
    assert_null(model_field_near(MODEL_G_MSG, STR("zzzzzz")));
    assert_string_equal(model_value_near(MODEL_E_CONTENT, STR("choises")), "choices");
    assert_null(model_value_near(MODEL_E_CONTENT, STR("quite else")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_found_by_tag_and_by_name),
        cmocka_unit_test(the_table_agrees_with_itself),
        cmocka_unit_test(values_have_names_and_ranks),
        cmocka_unit_test(near_names_are_suggested),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
