;; Asks for memory, a page at a time and touching each, until it is refused; then traps as allocators do.
(component
  (core module $m
    (memory (export "memory") 1)
    (func (export "grow")
      (loop $l
        (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then (unreachable)))
        (i32.store (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 8)) (i32.const 1))
        (br $l))))
  (core instance $i (instantiate $m))
  (func (export "grow") (canon lift (core func $i "grow"))))
