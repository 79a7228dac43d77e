;; Looks for bytes that another sandbox left in 8 MiB of memory and in its table, then leaves its own: whole at the
;; bottom, one byte in every page above, so that both ways of recycling memory are asked.
(component
  (core module $m
    (memory (export "memory") 128)
    (func (export "leftovers") (result i32)
      (local $at i32) (local $found i32)
      (loop $look
        (local.set $found (i32.add (local.get $found) (i32.load8_u (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 64)))
        (br_if $look (i32.lt_u (local.get $at) (i32.const 8388608))))
      (memory.fill (i32.const 0) (i32.const 0x5a) (i32.const 524288))
      (local.set $at (i32.const 524288))
      (loop $leave
        (i32.store8 (local.get $at) (i32.const 0x5a))
        (local.set $at (i32.add (local.get $at) (i32.const 4096)))
        (br_if $leave (i32.lt_u (local.get $at) (i32.const 8388608))))
      (local.get $found)))
  (core instance $i (instantiate $m))
  (func (export "leftovers") (result u32) (canon lift (core func $i "leftovers"))))
