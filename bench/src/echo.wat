;; The guest of the benchmarks, written by hand: an echo of bytes, so that nothing but copying is measured, and a
;; function that does nothing, so that nothing but the call is.
;;
;; The result points at the input: no copy inside. What was allocated is forgotten after each call.
(component
  (core module $core
    (memory (export "memory") 2)
    (global $top (mut i32) (i32.const 4096))
    (func (export "realloc") (param i32 i32 i32) (param $size i32) (result i32)
      (local $at i32) (local $end i32)
      (local.set $at (i32.and (i32.add (global.get $top) (i32.const 63)) (i32.const -64)))
      (local.set $end (i32.add (local.get $at) (local.get $size)))
      (if (i32.gt_u (local.get $end) (i32.shl (memory.size) (i32.const 16)))
        (then
          (if (i32.eq (i32.const -1) (memory.grow (i32.sub
                (i32.shr_u (i32.add (local.get $end) (i32.const 65535)) (i32.const 16))
                (memory.size))))
            (then unreachable))))
      (global.set $top (local.get $end))
      (local.get $at))
    (func (export "echo") (param $at i32) (param $length i32) (result i32)
      (i32.store (i32.const 16) (local.get $at))
      (i32.store (i32.const 20) (local.get $length))
      (i32.const 16))
    (func (export "run") (param $at i32) (param $length i32) (param i32 i32) (result i32)
      (i32.store (i32.const 16) (i32.const 0))
      (i32.store (i32.const 20) (local.get $at))
      (i32.store (i32.const 24) (local.get $length))
      (i32.const 16))
    (func (export "nop"))
    (func (export "forget") (param i32)
      (global.set $top (i32.const 4096))))
  (core instance $i (instantiate $core))
  (alias core export $i "memory" (core memory $memory))
  (alias core export $i "realloc" (core func $realloc))
  (alias core export $i "forget" (core func $forget))
  (alias core export $i "echo" (core func $core-echo))
  (alias core export $i "run" (core func $core-run))

  ;; echo: func(input: list<u8>) -> list<u8>
  (func $echo (param "input" (list u8)) (result (list u8))
    (canon lift (core func $core-echo) (memory $memory) (realloc $realloc) (post-return $forget)))
  (export "echo" (func $echo))

  ;; nop: func()
  (func $nop (canon lift (core func $i "nop")))
  (export "nop" (func $nop))

  ;; vox:skill/transform
  (type $setting (record (field "name" string) (field "value" string)))
  (type $error (variant (case "bad-input" string) (case "bad-setting" string) (case "failed" string)))
  (func $run (param "input" (list u8)) (param "settings" (list $setting)) (result (result (list u8) (error $error)))
    (canon lift (core func $core-run) (memory $memory) (realloc $realloc) (post-return $forget)))
  (component $stage
    (type $plain-setting (record (field "name" string) (field "value" string)))
    (import "import-type-setting" (type $setting (eq $plain-setting)))
    (type $plain-error (variant (case "bad-input" string) (case "bad-setting" string) (case "failed" string)))
    (import "import-type-stage-error" (type $error (eq $plain-error)))
    (import "import-func-run" (func $run
      (param "input" (list u8)) (param "settings" (list $setting)) (result (result (list u8) (error $error)))))
    (export $named-setting "setting" (type $setting))
    (export $named-error "stage-error" (type $error))
    (export "run" (func $run) (func
      (param "input" (list u8)) (param "settings" (list $named-setting)) (result (result (list u8) (error $named-error))))))
  (instance $served (instantiate $stage
    (with "import-type-setting" (type $setting))
    (with "import-type-stage-error" (type $error))
    (with "import-func-run" (func $run))))
  (export "vox:skill/transform@0.1.0" (instance $served)))
