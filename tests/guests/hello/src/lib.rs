//! The smallest skill: `greet("Ada")` gives `Hello, Ada!`.

#[allow(missing_docs, unsafe_op_in_unsafe_fn, reason = "generated; the WIT has the documentation")]
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "hello" });
}

struct Hello;

impl bindings::Guest for Hello {
    fn greet(name: String) -> String {
        format!("Hello, {name}!")
    }
}

bindings::export!(Hello with_types_in bindings);
