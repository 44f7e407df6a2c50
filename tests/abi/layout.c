/*
 * Pins the layout of every struct of include/hilo as it is on 64-bit machines: it does
 * not compile when one changes. Fields may be appended: then a line is added here and
 * only the size of that struct changes. See README.md beside this file.
 */
#include <hilo/message.h>
#include <hilo/plugin.h>
#include <hilo/segment.h>
#include <hilo/zone.h>
#include <stddef.h>

#define SIZE(type, n)      _Static_assert(sizeof(struct type) == (n), "size of " #type)
#define AT(type, field, n) _Static_assert(offsetof(struct type, field) == (n), #type "." #field)
#define VALUE(name, n)     _Static_assert((name) == (n), #name)

_Static_assert(sizeof(void *) == 8, "the layouts here are those of 64-bit machines");

SIZE(hilo_str, 16);
AT(hilo_str, p, 0);
AT(hilo_str, n, 8);

SIZE(hilo_kv, 32);
AT(hilo_kv, key, 0);
AT(hilo_kv, val, 16);

SIZE(hilo_id, 16);
AT(hilo_id, b, 0);

SIZE(hilo_field, 24);
AT(hilo_field, tag, 0);
AT(hilo_field, spare, 4);
AT(hilo_field, val, 8);

SIZE(hilo_writer, 112);
AT(hilo_writer, p, 0);
AT(hilo_writer, cap, 8);
AT(hilo_writer, n, 16);
AT(hilo_writer, failed, 24);
AT(hilo_writer, depth, 28);
AT(hilo_writer, open, 32);
AT(hilo_writer, grow, 96);
AT(hilo_writer, grow_arg, 104);

SIZE(hilo_segment_rules, 16);
AT(hilo_segment_rules, flags, 0);
AT(hilo_segment_rules, octets, 4);
AT(hilo_segment_rules, udh_octets, 6);
AT(hilo_segment_rules, segments_max, 8);
AT(hilo_segment_rules, spare, 12);

VALUE(HILO_SEGMENT_GSM7, 1);
VALUE(HILO_SEGMENT_LATIN1, 2);
VALUE(HILO_SEGMENT_UCS2, 4);
VALUE(HILO_SEGMENT_ES_SINGLE, 8);
VALUE(HILO_SEGMENT_PT_SINGLE, 16);
VALUE(HILO_SEGMENT_PT_LOCKING, 32);
VALUE(HILO_SEGMENT_TRANSLIT, 64);

SIZE(hilo_abilities, 168);
AT(hilo_abilities, size, 0);
AT(hilo_abilities, contents, 4);
AT(hilo_abilities, media_kinds, 8);
AT(hilo_abilities, text_max, 12);
AT(hilo_abilities, caption_max, 16);
AT(hilo_abilities, buttons_max, 20);
AT(hilo_abilities, button_title_max, 24);
AT(hilo_abilities, list_max, 28);
AT(hilo_abilities, list_title_max, 32);
AT(hilo_abilities, list_description_max, 36);
AT(hilo_abilities, body_max, 40);
AT(hilo_abilities, list_body_max, 44);
AT(hilo_abilities, header_max, 48);
AT(hilo_abilities, footer_max, 52);
AT(hilo_abilities, choice_id_max, 56);
AT(hilo_abilities, flags, 60);
AT(hilo_abilities, schemes, 64);
AT(hilo_abilities, spare, 68);
AT(hilo_abilities, media_max, 72);
AT(hilo_abilities, rate, 136);
AT(hilo_abilities, rate_burst, 140);
AT(hilo_abilities, pair_interval_ms, 144);
AT(hilo_abilities, pair_burst, 148);
AT(hilo_abilities, segment, 152);

SIZE(hilo_option, 64);
AT(hilo_option, name, 0);
AT(hilo_option, def, 8);
AT(hilo_option, choices, 16);
AT(hilo_option, help, 24);
AT(hilo_option, type, 32);
AT(hilo_option, flags, 36);
AT(hilo_option, offset, 40);
AT(hilo_option, spare, 44);
AT(hilo_option, min, 48);
AT(hilo_option, max, 56);

SIZE(hilo_part, 72);
AT(hilo_part, name, 0);
AT(hilo_part, filename, 16);
AT(hilo_part, type, 32);
AT(hilo_part, data, 48);
AT(hilo_part, fd, 64);

SIZE(hilo_http, 112);
AT(hilo_http, size, 0);
AT(hilo_http, status, 4);
AT(hilo_http, timeout_ms, 8);
AT(hilo_http, flags, 12);
AT(hilo_http, method, 16);
AT(hilo_http, url, 32);
AT(hilo_http, body, 48);
AT(hilo_http, header, 64);
AT(hilo_http, n_header, 72);
AT(hilo_http, part, 80);
AT(hilo_http, n_part, 88);
AT(hilo_http, sink_fd, 96);
AT(hilo_http, max_bytes, 104);

SIZE(hilo_report, 120);
AT(hilo_report, size, 0);
AT(hilo_report, code, 4);
AT(hilo_report, id, 8);
AT(hilo_report, ext_id, 24);
AT(hilo_report, reason, 40);
AT(hilo_report, provider_code, 56);
AT(hilo_report, detail, 72);
AT(hilo_report, retry_after_us, 88);
AT(hilo_report, scope, 96);
AT(hilo_report, flags, 100);
AT(hilo_report, more_ext_ids, 104);
AT(hilo_report, n_more_ext_ids, 112);

SIZE(hilo_host, 216);
AT(hilo_host, size, 0);
AT(hilo_host, minor, 4);
AT(hilo_host, log, 8);
AT(hilo_host, wake, 16);
AT(hilo_host, mono_us, 24);
AT(hilo_host, wall_us, 32);
AT(hilo_host, channel, 40);
AT(hilo_host, submit, 48);
AT(hilo_host, report, 56);
AT(hilo_host, credit, 64);
AT(hilo_host, watch, 72);
AT(hilo_host, timer, 80);
AT(hilo_host, context_get, 88);
AT(hilo_host, context_put, 96);
AT(hilo_host, http, 104);
AT(hilo_host, http_answer, 112);
AT(hilo_host, media_get, 120);
AT(hilo_host, fetched, 128);
AT(hilo_host, state, 136);
AT(hilo_host, query, 144);
AT(hilo_host, template_begin, 152);
AT(hilo_host, template_put, 160);
AT(hilo_host, template_end, 168);
AT(hilo_host, api, 176);
AT(hilo_host, follow, 184);
AT(hilo_host, file_open, 192);
AT(hilo_host, file_remove, 200);
AT(hilo_host, file_list, 208);

SIZE(hilo_plugin, 256);
AT(hilo_plugin, magic, 0);
AT(hilo_plugin, size, 4);
AT(hilo_plugin, minor, 8);
AT(hilo_plugin, option_size, 12);
AT(hilo_plugin, provides, 16);
AT(hilo_plugin, requires, 24);
AT(hilo_plugin, name, 32);
AT(hilo_plugin, version, 40);
AT(hilo_plugin, license, 48);
AT(hilo_plugin, summary, 56);
AT(hilo_plugin, abilities, 64);
AT(hilo_plugin, options, 72);
AT(hilo_plugin, n_options, 80);
AT(hilo_plugin, conf_size, 84);
AT(hilo_plugin, open, 88);
AT(hilo_plugin, start, 96);
AT(hilo_plugin, send, 104);
AT(hilo_plugin, revoke, 112);
AT(hilo_plugin, committed, 120);
AT(hilo_plugin, on_context, 128);
AT(hilo_plugin, on_http, 136);
AT(hilo_plugin, on_request, 144);
AT(hilo_plugin, on_media, 152);
AT(hilo_plugin, fetch, 160);
AT(hilo_plugin, on_fd, 168);
AT(hilo_plugin, on_timer, 176);
AT(hilo_plugin, woken, 184);
AT(hilo_plugin, reconfigure, 192);
AT(hilo_plugin, drain, 200);
AT(hilo_plugin, close, 208);
AT(hilo_plugin, check, 216);
AT(hilo_plugin, scopes, 224);
AT(hilo_plugin, on_event, 232);
AT(hilo_plugin, on_file, 240);
AT(hilo_plugin, on_files, 248);

/* ---- values ---- */

VALUE(HILO_OK, 0);
VALUE(HILO_AGAIN, -1);
VALUE(HILO_TEMP, -2);
VALUE(HILO_PERM, -3);
VALUE(HILO_IN_DOUBT, -4);
VALUE(HILO_DOWN, -5);
VALUE(HILO_CONFIG, -6);
VALUE(HILO_STALE, -7);
VALUE(HILO_DUPLICATE, -8);
VALUE(HILO_FULL, -9);
VALUE(HILO_NOMEM, -10);
VALUE(HILO_NOSUP, -11);
VALUE(HILO_BUG, -12);
VALUE(HILO_INVALID, -13);
VALUE(HILO_NOTFOUND, -14);
VALUE(HILO_IO, -15);
VALUE(HILO_CORRUPT, -16);
VALUE(HILO_MESSAGE_MAX, 1 << 20);
VALUE(HILO_DEPTH_MAX, 8);
VALUE(HILO_PLUGIN_MAGIC, 0x48694c31);
VALUE(HILO_PLUGIN_MINOR, 0);
VALUE(HILO_ABLE_QUOTE, 1);
VALUE(HILO_ABLE_MEDIA_LINK, 2);
VALUE(HILO_ABLE_MEDIA_FILE, 4);
VALUE(HILO_ABLE_RECEIPTS, 8);
VALUE(HILO_ABLE_WINDOW, 16);
VALUE(HILO_ABLE_RECONCILE, 32);
VALUE(HILO_ABLE_SENDER, 64);
VALUE(HILO_ABLE_FLASH, 128);
VALUE(HILO_ABLE_SPOKEN, 256);
VALUE(HILO_ABLE_SUBJECT, 512);
VALUE(HILO_ABLE_ATTACHMENTS, 1024);
VALUE(HILO_ABLE_CHOICE_LINKS, 2048);
VALUE(HILO_ABLE_UNSUBSCRIBE, 4096);
VALUE(HILO_ABLE_HTML, 8192);
VALUE(HILO_ABLE_KEEPS, 16384);
VALUE(HILO_OPT_STR, 1);
VALUE(HILO_OPT_BOOL, 2);
VALUE(HILO_OPT_INT, 3);
VALUE(HILO_OPT_DURATION, 4);
VALUE(HILO_OPT_BYTES, 5);
VALUE(HILO_OPT_ENUM, 6);
VALUE(HILO_OPT_URL, 7);
VALUE(HILO_OPT_TREE, 8);
VALUE(HILO_OPT_REQUIRED, 1);
VALUE(HILO_OPT_RELOADABLE, 2);
VALUE(HILO_OPT_SECRET, 4);
VALUE(HILO_HTTP_MAYBE_SENT, 1);
VALUE(HILO_HTTP_OPERATOR, 2);
VALUE(HILO_SCOPE_MESSAGE, 0);
VALUE(HILO_SCOPE_CONVERSATION, 1);
VALUE(HILO_SCOPE_CHANNEL, 2);
VALUE(HILO_MORE_EXT_IDS_MAX, 254);
VALUE(HILO_REPORT_UNTAKEN, 1);
VALUE(HILO_FILE_CREATE, 1);
VALUE(HILO_FILE_NAME_MAX, 100);
VALUE(HILO_FILES_MAX, 10000);
VALUE(HILO_API_MAX, 256);
VALUE(HILO_TEMPLATE_MAX, 32 * 1024);
VALUE(HILO_PART_MAX, 2048);
VALUE(HILO_PARTS_MAX, 255);
VALUE(HILO_ATTACHMENTS_MAX, 64);
VALUE(HILO_SPELLINGS_MAX, 8);
VALUE(HILO_LOG_ERROR, 0);
VALUE(HILO_LOG_WARN, 1);
VALUE(HILO_LOG_INFO, 2);
VALUE(HILO_LOG_DEBUG, 3);
VALUE(HILO_READ, 1);
VALUE(HILO_WRITE, 2);
VALUE(HILO_CAN_SEND, 1);
VALUE(HILO_CAN_RECEIVE, 2);
VALUE(HILO_CAN_REQUEST, 4);
VALUE(HILO_CAN_FETCH, 8);

/* Not across the border: within a plugin and within the core. */
SIZE(hilo_local, 32);
AT(hilo_local, year, 0);
AT(hilo_local, weekday, 12);
AT(hilo_local, hour, 16);
AT(hilo_local, offset_s, 28);
