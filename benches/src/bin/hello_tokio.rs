//! Says hello from a tokio task. What `#[tokio::main]` expands to, without its macro crate.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async { Ok(tokio::spawn(async { println!("hello") }).await?) })
}
