/* openapi.json as bytes of the program. */
    .section .rodata
    .global openapi_json
    .global openapi_json_end
openapi_json:
    .incbin "core/api/openapi.json"
openapi_json_end:
    .byte 0
    .section .note.GNU-stack, "", %progbits
