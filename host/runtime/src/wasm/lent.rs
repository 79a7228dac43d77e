//! Memory of ours that the engine runs code from.
//!
//! The engine can take code from bytes, which it copies, or from a file, which it maps. Code from the cache is neither:
//! it was read and checked in memory that is ready to run it. The engine borrows that, and tells when it has done so and
//! when it no longer needs it.

use crate::cache::Pages;
use rustix::mm::{MprotectFlags, mprotect};
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, PoisonError};
use wasmtime::{Config, CustomCodeMemory, Result};

/// The smallest page of x86-64.
const PAGE: usize = 4096;

/// What is lent to the engines of a host.
#[derive(Debug, Default)]
pub(crate) struct Lent(Mutex<Books>);

#[derive(Debug, Default)]
struct Books {
    out: Vec<Loan>,
    /// Given back. The engine says so on its way out of it, so they are kept until the next loan.
    back: Vec<Pages>,
}

#[derive(Debug)]
struct Loan {
    pages: Pages,
    /// Whether code runs from it: then the engine says when it no longer does.
    runs: bool,
}

impl Loan {
    fn holds(&self, at: *const u8) -> bool {
        let content = self.pages.content();
        let start = content.cast::<u8>().as_ptr().addr();
        // Code without a single function begins, and ends, where its file does.
        (start..start + content.len().max(1)).contains(&at.addr())
    }
}

impl Lent {
    /// Whether code can be run like this: where a processor does not notice that instructions were written, more has to
    /// be done than is done here.
    pub(crate) const WORKS: bool = cfg!(all(target_os = "linux", target_arch = "x86_64"));

    /// Makes an engine borrow from here.
    pub(crate) fn serve(self: &Arc<Self>, config: &mut Config) {
        if Self::WORKS {
            config.with_custom_code_memory(Some(self.clone()));
        }
    }

    fn books<T>(&self, look: impl FnOnce(&mut Books) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Lends pages to whatever `load` makes of them. They live as long as that runs code from them; where it fails
    /// before, they are given back at once.
    pub(crate) fn lend<T>(&self, pages: Pages, load: impl FnOnce(NonNull<[u8]>) -> Result<T>) -> Result<T> {
        let content = pages.content();
        self.books(|books| {
            books.back.clear();
            books.out.push(Loan { pages, runs: false });
        });
        load(content).inspect_err(|_| self.books(|books| books.take(content.cast().as_ptr(), |loan| !loan.runs)))
    }
}

impl Books {
    /// Takes back the loan that holds an address, if it is one that `which` means.
    fn take(&mut self, at: *const u8, which: impl Fn(&Loan) -> bool) {
        if let Some(found) = self.out.iter().position(|loan| loan.holds(at) && which(loan)) {
            self.back.push(self.out.swap_remove(found).pages);
        }
    }
}

impl CustomCodeMemory for Lent {
    fn required_alignment(&self) -> usize {
        PAGE
    }

    fn publish_executable(&self, at: *const u8, length: usize) -> Result<()> {
        // SAFETY: the engine means the code within memory of its own or of ours that it was given to run code from.
        unsafe { mprotect(at.cast_mut().cast(), length, MprotectFlags::READ | MprotectFlags::EXEC) }?;
        self.books(|books| books.out.iter_mut().filter(|loan| loan.holds(at)).for_each(|loan| loan.runs = true));
        Ok(())
    }

    fn unpublish_executable(&self, at: *const u8, length: usize) -> Result<()> {
        // SAFETY: as above; no code runs from there any more, and nothing here edits code in its place.
        unsafe { mprotect(at.cast_mut().cast(), length, MprotectFlags::READ) }?;
        self.books(|books| books.take(at, |_| true));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::{Cache, Key};
    use crate::wasm::engine::{self, Engines, Pool};
    use vox_model::Digest;
    use wasmtime::component::{Component, Linker};
    use wasmtime::{Engine, Store};

    const ANSWER: &str = r#"(component
        (core module $m (memory 1) (data (i32.const 8) "42") (func (export "f") (result i32) (i32.load8_u (i32.const 9))))
        (core instance $i (instantiate $m))
        (func (export "f") (result u32) (canon lift (core func $i "f"))))"#;

    struct Place {
        engines: Engines,
        cache: Cache,
        _home: tempfile::TempDir,
    }

    fn place(pool: Option<Pool>) -> Place {
        let home = tempfile::tempdir().unwrap();
        Place { engines: Engines::start(pool).unwrap(), cache: Cache::open(home.path()).unwrap(), _home: home }
    }

    impl Place {
        fn engine(&self) -> &Engine {
            self.engines.for_memory(1 << 20).unwrap()
        }

        /// Puts code into the cache and loads it from there.
        fn load(&self, code: &[u8], digest: u8) -> Result<Component> {
            let key = Key::code(&Digest([digest; 32]), "");
            self.cache.put(&key, code);
            let pages = self.cache.get_pages(&key).unwrap();
            // SAFETY: compiled by this test, or refused by the engine.
            self.engines.lent().lend(pages, |code| unsafe { Component::deserialize_raw(self.engine(), code) })
        }

        fn out(&self) -> usize {
            self.engines.lent().books(|books| books.out.len())
        }

        fn back(&self) -> usize {
            self.engines.lent().books(|books| books.back.len())
        }
    }

    fn compiled(text: &str) -> Vec<u8> {
        engine::compiler().unwrap().precompile_component(&wat::parse_str(text).unwrap()).unwrap()
    }

    fn answer(component: &Component) -> u32 {
        let engine = component.engine();
        let mut store = Store::new(engine, ());
        store.set_epoch_deadline(1000);
        let instance = Linker::new(engine).instantiate(&mut store, component).unwrap();
        instance.get_typed_func::<(), (u32,)>(&mut store, "f").unwrap().call(&mut store, ()).unwrap().0
    }

    #[test]
    fn pages_are_lent_as_long_as_code_runs_from_them() {
        let place = place(None);
        let code = compiled(ANSWER);
        let one = place.load(&code, 1).unwrap();
        let other = place.load(&code, 2).unwrap();
        assert_eq!((answer(&one), answer(&other), place.out()), (50, 50, 2));
        let again = one.clone();
        drop(one);
        assert_eq!((answer(&again), place.out()), (50, 2));
        drop(again);
        assert_eq!((answer(&other), place.out(), place.back()), (50, 1, 1));
        drop(other);
        drop(place.load(&code, 3).unwrap());
        assert_eq!((place.out(), place.back()), (0, 1));
    }

    /// A slot of the pool remembers what was in it, and so the code: it outlives the component.
    #[test]
    fn a_slot_that_remembers_a_component_keeps_its_pages() {
        let place = place(Some(Pool { sandboxes: 1, page_scan: false }));
        let code = compiled(ANSWER);
        for round in 0..5 {
            let component = place.load(&code, round).unwrap();
            assert_eq!(answer(&component), 50);
            drop(component);
            assert!(place.out() <= 1 && place.back() <= 1, "{} {}", place.out(), place.back());
        }
    }

    #[test]
    fn what_the_engine_refuses_is_given_back_at_once() {
        let place = place(None);
        let cut = &compiled(ANSWER)[..1000];
        let module =
            engine::compiler().unwrap().precompile_module(&wat::parse_str("(module (func))").unwrap()).unwrap();
        for (digest, code) in [&b"text"[..], &[], cut, &module, &[0; 5000]].into_iter().enumerate() {
            assert!(place.load(code, digest as u8).is_err());
            assert_eq!((place.out(), place.back()), (0, 1), "code {digest}");
        }
    }

    #[test]
    fn a_component_without_code_is_given_back_too() {
        let place = place(None);
        let component = place.load(&compiled("(component)"), 1).unwrap();
        assert_eq!(place.out(), 1);
        drop(component);
        assert_eq!((place.out(), place.back()), (0, 1));
    }
}
