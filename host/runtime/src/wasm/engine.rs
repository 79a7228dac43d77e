//! Engine settings: one function for the process that compiles and the one that runs.

use super::clock::Rate;
use super::lent::Lent;
use super::meter::{INSTANCES, MEMORIES, TABLE_COUNT, TABLES};
use std::num::NonZeroUsize;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

/// The period of the epoch ticker. CPU time is counted in it, and a spinning guest is stopped at most one tick
/// and one slice late.
pub const TICK: Duration = Duration::from_millis(10);

/// The largest memory of a pooled sandbox: the default memory limit. Calls with a higher limit get their memory
/// from the system instead of the pool.
pub const POOL_MEMORY: u64 = 64 << 20;

/// The stack of a guest, in bytes.
const WASM_STACK: usize = 512 << 10;

/// The stack of an asynchronous call, host functions included: four times the guest's, so that a host function
/// always finds room.
const ASYNC_STACK: usize = 2 << 20;

/// Bytes of a recycled memory that are cleaned in place instead of given back, when the kernel can tell which
/// pages were written.
const KEEP_RESIDENT: usize = 256 << 10;

/// How many frames of a backtrace are collected.
const BACKTRACE: NonZeroUsize = NonZeroUsize::new(20).unwrap();

/// Every setting that changes compiled code or what it may contain, in words. It is part of the cache key, so
/// that code is never used under other settings than it was made for; `base` must set exactly these.
const SETTINGS: &str = "epochs=on fuel=off simd=on relaxed-simd=off multi-memory=on memory64=off \
    custom-page-sizes=off threads=off unwind=off address-map=off opt=speed reservation=default guard=default";

/// What identifies the engine's settings on this machine, for cache keys.
pub fn fingerprint() -> String {
    format!(
        "wasmtime {} {}-{} {} {SETTINGS}",
        env!("VOX_ENGINE_VERSION"),
        std::env::consts::ARCH,
        std::env::consts::OS,
        cpu_features(),
    )
}

/// The features of this processor that the code generator looks at.
fn cpu_features() -> String {
    #[cfg(target_arch = "x86_64")]
    {
        macro_rules! present {
            ($($name:tt)*) => {
                [$(($name, std::is_x86_feature_detected!($name))),*]
            };
        }
        let known = present!(
            "sse3" "ssse3" "sse4.1" "sse4.2" "popcnt" "avx" "avx2" "fma" "bmi1" "bmi2" "lzcnt"
            "avx512f" "avx512bitalg" "avx512dq" "avx512vbmi" "avx512vl"
        );
        let present: Vec<_> = known.iter().filter(|(_, on)| *on).map(|(name, _)| *name).collect();
        present.join(",")
    }
    #[cfg(not(target_arch = "x86_64"))]
    String::from("unknown")
}

fn base() -> Config {
    let mut config = Config::new();
    config
        .concurrency_support(false)
        .epoch_interruption(true)
        .max_wasm_stack(WASM_STACK)
        .async_stack_size(ASYNC_STACK)
        .native_unwind_info(false)
        .generate_address_map(false)
        .wasm_backtrace_max_frames(Some(BACKTRACE))
        .wasm_simd(true)
        .wasm_relaxed_simd(false)
        // Calls between linked components go through adapters that the engine makes, and these see two memories.
        .wasm_multi_memory(true)
        .wasm_memory64(false)
        .wasm_custom_page_sizes(false);
    #[cfg(feature = "compiler")]
    config.cranelift_opt_level(OptLevel::Speed);
    config
}

/// The engine of the compiler process: no pool, no guest ever runs in it.
///
/// # Errors
/// The engine does not start with these settings.
#[cfg(feature = "compiler")]
pub fn compiler() -> wasmtime::Result<Engine> {
    Engine::new(&base())
}

/// How sandboxes are recycled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// How many sandboxes may live at once.
    pub sandboxes: u32,
    /// Whether the kernel is asked which pages were written. Only sound where swap is off: a written page that
    /// was swapped out would be missed and could be read by the next guest.
    pub page_scan: bool,
}

fn pool(pool: Pool) -> PoolingAllocationConfig {
    let mut config = PoolingAllocationConfig::new();
    let count = pool.sandboxes;
    config
        .total_component_instances(count)
        .total_core_instances(count.saturating_mul(4).max(INSTANCES as u32))
        .total_memories(count.saturating_mul(2).max(MEMORIES as u32))
        .total_tables(count.saturating_mul(4).max(TABLE_COUNT as u32))
        .total_stacks(count)
        .max_core_instances_per_component(INSTANCES as u32)
        .max_memories_per_component(MEMORIES as u32)
        .max_tables_per_component(TABLE_COUNT as u32)
        .max_tables_per_module(4)
        .table_elements(TABLES / size_of::<usize>())
        .max_memories_per_module(1)
        .max_memory_size(POOL_MEMORY as usize)
        .max_unused_warm_slots(count);
    if pool.page_scan {
        config.pagemap_scan(Enabled::Yes).linear_memory_keep_resident(KEEP_RESIDENT).table_keep_resident(64 << 10);
    } else {
        // Without the scan, keeping pages resident means clearing them all each time: slower than no pool.
        config.pagemap_scan(Enabled::No).linear_memory_keep_resident(0).table_keep_resident(0);
    }
    config
}

/// The engines of a host. Both run the same compiled code; they share nothing else.
pub struct Engines {
    /// None where sandboxes are not recycled.
    pooled: Option<Engine>,
    /// For every other call: the system gives each sandbox its memory. Made when the first one comes.
    roomy: OnceLock<Engine>,
    lent: Arc<Lent>,
    ticker: Ticker,
}

impl Engines {
    /// Starts the pooled engine, if there is to be one, and its ticker.
    ///
    /// # Errors
    /// The engine does not start: usually too little address space for the pool.
    pub fn start(settings: Option<Pool>) -> wasmtime::Result<Self> {
        let (ticker, lent) = (Ticker::default(), Arc::default());
        let pooled = match settings {
            Some(settings) => {
                let mut config = without_compiler(&lent);
                config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(settings)));
                Some(ticker.drive(Engine::new(&config)?))
            }
            None => None,
        };
        Ok(Self { pooled, roomy: OnceLock::new(), lent, ticker })
    }

    /// The engine for calls with this memory limit.
    ///
    /// # Errors
    /// An engine that is not there yet does not start.
    pub fn for_memory(&self, limit: u64) -> wasmtime::Result<&Engine> {
        if let Some(pooled) = self.pooled.as_ref().filter(|_| limit <= POOL_MEMORY) {
            return Ok(pooled);
        }
        if let Some(engine) = self.roomy.get() {
            return Ok(engine);
        }
        let engine = Engine::new(&without_compiler(&self.lent))?;
        // Whoever comes second at the same moment drops its own.
        Ok(self.roomy.get_or_init(|| self.ticker.drive(engine)))
    }

    /// The memory that both run code from which was not compiled just now.
    pub(crate) fn lent(&self) -> &Lent {
        &self.lent
    }
}

/// A process that runs guests never compiles: the code generator stays cold even where it is linked in.
fn without_compiler(lent: &Arc<Lent>) -> Config {
    let mut config = base();
    lent.serve(&mut config);
    #[cfg(feature = "compiler")]
    config.enable_compiler(false);
    config
}

/// One thread for each engine that advances its epoch; an OS thread, so that nothing can starve it.
#[derive(Default)]
struct Ticker {
    alive: Arc<()>,
}

impl Ticker {
    #[allow(clippy::expect_used, reason = "without a ticker no limit would hold")]
    fn drive(&self, engine: Engine) -> Engine {
        let (driven, alive) = (engine.weak(), Arc::downgrade(&self.alive));
        let mut rate = Rate::default();
        let tick = move || {
            while alive.strong_count() > 0 {
                std::thread::sleep(TICK);
                rate.look();
                match driven.upgrade() {
                    Some(engine) => engine.increment_epoch(),
                    None => return,
                }
            }
        };
        // Better to stop here than to run unlimited.
        std::thread::Builder::new()
            .name("vox-ticker".to_owned())
            .spawn(tick)
            .expect("the operating system starts one more thread");
        engine
    }
}
