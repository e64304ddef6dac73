//! Addresses with something else in their spare bits.

/// A pointer whose address is `change` of that of `pointer`, to the same memory once that is undone.
///
/// Miri is told so, and looks closely at what is done with the memory. For the compiler it is a number on the way: `map_addr` takes the
/// difference between the two addresses and adds it again, which costs some instructions each time (3 percent of a hand-over).
#[inline(always)]
pub(crate) fn map_address<A, B>(pointer: *const A, change: impl FnOnce(usize) -> usize) -> *mut B {
    if cfg!(miri) {
        pointer.map_addr(change).cast_mut().cast()
    } else {
        std::ptr::with_exposed_provenance_mut(change(pointer.expose_provenance()))
    }
}
