//! The macros `select!` and `select_biased!`.

/// Waits until one of several channel operations can go ahead, performs that one, and evaluates its case.
///
/// | case                                | is taken when                                             |
/// |-------------------------------------|-----------------------------------------------------------|
/// | `recv(receiver) -> result => body`  | a message is there, or none can come any more             |
/// | `send(sender, message) -> result => body` | there is room or a receiver, or nobody can receive any more |
/// | `default => body`                   | no operation can go ahead now                             |
/// | `default(timeout) => body`          | no operation could go ahead for that `Duration`           |
///
/// If several operations can go ahead, one of them is picked at random; [`select_biased!`](crate::select_biased) picks the first.
///
/// * `result` is any pattern that always matches, for the `Result` of [`Receiver::recv`](crate::Receiver::recv) or
///   [`Sender::send`](crate::Sender::send): an operation on a disconnected channel goes ahead, with an error.
/// * `receiver` and `sender` are expressions, values or references. Each is evaluated once, in order, before anything waits.
/// * `message` is evaluated only after its case was chosen. Leaving the select from within it, by `?` or `break`, panics, since
///   the other side counts on the message by then.
/// * Bodies are separated by commas, which a body in braces does not need. They may `break`, `return` and use `?` like the code
///   around them, and may move the channels of the select. The whole is an expression.
/// * There is at most one `default`, anywhere. Of cases there may be any number. (From about a hundred on, where some bodies are
///   in braces without a comma and others are not, the compiler asks for a larger `recursion_limit`.)
///
/// Where the set of operations is not known until run time, use [`Select`](crate::Select).
///
/// # Examples
///
/// ```
/// use tasklets_channels::{select, unbounded};
///
/// let (orders, kitchen) = unbounded();
/// let (waiter, meals) = unbounded();
/// orders.send("soup").unwrap();
///
/// for _ in 0..2 {
///     select! {
///         recv(kitchen) -> order => assert_eq!(order, Ok("soup")),
///         send(waiter, "bread") -> sent => {
///             sent.unwrap();
///             assert_eq!(meals.recv(), Ok("bread"));
///         }
///     }
/// }
/// ```
///
/// Not waiting, or not for long:
///
/// ```
/// use std::time::Duration;
/// use tasklets_channels::{bounded, select};
///
/// let (sender, receiver) = bounded::<u32>(1);
///
/// let got = select! {
///     recv(receiver) -> message => message.ok(),
///     default => None,
/// };
/// assert_eq!(got, None);
///
/// sender.send(1).unwrap();
/// select! {
///     send(sender, 2) -> _ => unreachable!("it is full"),
///     default(Duration::from_millis(5)) => println!("nobody took the first message"),
/// }
/// ```
///
/// A case that is there only sometimes takes the receiver of a channel on which nothing comes otherwise:
///
/// ```
/// use tasklets_channels::{Receiver, never, select, unbounded};
///
/// fn next(work: &Receiver<u32>, extra: Option<&Receiver<u32>>) -> Option<u32> {
///     select! {
///         recv(work) -> message => message.ok(),
///         recv(extra.unwrap_or(&never())) -> message => message.ok(),
///     }
/// }
///
/// let (sender, work) = unbounded();
/// sender.send(7).unwrap();
/// assert_eq!(next(&work, None), Some(7));
/// ```
#[macro_export]
macro_rules! select {
    ($($tokens:tt)*) => {
        $crate::__select!(@parse false [] $($tokens)*)
    };
}

/// As [`select!`](crate::select), and if several operations can go ahead, it takes the one that is written first.
///
/// ```
/// use tasklets_channels::{select_biased, unbounded};
///
/// let (urgent, first) = unbounded();
/// let (normal, second) = unbounded();
/// normal.send("walk the dog").unwrap();
/// urgent.send("put out the fire").unwrap();
///
/// let next = select_biased! {
///     recv(first) -> message => message,
///     recv(second) -> message => message,
/// };
/// assert_eq!(next, Ok("put out the fire"));
/// ```
#[macro_export]
macro_rules! select_biased {
    ($($tokens:tt)*) => {
        $crate::__select!(@parse true [] $($tokens)*)
    };
}

/// The stages of [`select!`](crate::select). Each calls the next; the first argument but one is whether the select is biased.
///
/// 1. `@parse` cuts the tokens into cases, `[-> pattern => kind (arguments) {body}]`, or `[kind (arguments) {body}]` for those
///    without an arrow. The arrow is in front since a matcher can tell cases apart by it, wherever they are in the list.
/// 2. `@split` takes `default` out, as the call of `Select` that it stands for.
/// 3. `@check` accepts well-formed operations only; `@diagnose` and `@fault` explain what is wrong with the others.
/// 4. `@label` gives each case a name. One identifier in this text is another variable in each expansion, so the names differ.
/// 5. `@expand` evaluates the channels and registers them, `@wait` waits, and `@commit` performs what was selected.
///
/// Steps that handle all cases at once, by a repetition, do not use up the recursion limit. Only `@label` recurses, once for eight
/// cases, and `@parse`, where bodies with and without commas are mixed.
///
/// Every body is expanded in one place only, in the branch that also evaluates its message, and after everything that borrows
/// from the channels was dropped. So it may move what other branches move, and the channels themselves.
///
/// What it refuses:
///
/// ```compile_fail
/// tasklets_channels::select! {}
/// ```
/// ```compile_fail
/// let (_sender, receiver) = tasklets_channels::unbounded::<u32>();
/// tasklets_channels::select! { recv(receiver) => {} }
/// ```
/// ```compile_fail
/// let (_sender, receiver) = tasklets_channels::unbounded::<u32>();
/// tasklets_channels::select! { recv(receiver, 1) -> _ => {} }
/// ```
/// ```compile_fail
/// let (sender, _receiver) = tasklets_channels::unbounded::<u32>();
/// tasklets_channels::select! { send(sender) -> _ => {} }
/// ```
/// ```compile_fail
/// tasklets_channels::select! { default => {} default => {} }
/// ```
/// ```compile_fail
/// let (_sender, receiver) = tasklets_channels::unbounded::<u32>();
/// tasklets_channels::select! { recv(receiver) -> _ => drop(1) default => {} }
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __select {
    (@parse $biased:tt []) => {
        ::core::compile_error!("`select!` without cases would wait for ever: it needs at least one `recv`, `send` or `default`")
    };
    (@parse $biased:tt [$($case:tt)+]) => {
        $crate::__select!(@split $biased [$($case)+])
    };
    // All bodies are in braces.
    (@parse $biased:tt []
        $($kind:ident $(($($argument:tt)*))? $(-> $result:pat)? => { $($body:tt)* } $(,)?)+
    ) => {
        $crate::__select!(@split $biased [$([$(-> $result =>)? $kind $(($($argument)*))? { $($body)* }])+])
    };
    // There is a comma after each.
    (@parse $biased:tt []
        $($kind:ident $(($($argument:tt)*))? $(-> $result:pat)? => $body:expr),+ $(,)?
    ) => {
        $crate::__select!(@split $biased [$([$(-> $result =>)? $kind $(($($argument)*))? { $body }])+])
    };
    // Some of both.
    (@parse $biased:tt [$($case:tt)*]
        $kind:ident $(($($argument:tt)*))? $(-> $result:pat)? => { $($body:tt)* }, $($rest:tt)*
    ) => {
        $crate::__select!(@parse $biased
            [$($case)* [$(-> $result =>)? $kind $(($($argument)*))? { $($body)* }]] $($rest)*)
    };
    (@parse $biased:tt [$($case:tt)*]
        $kind:ident $(($($argument:tt)*))? $(-> $result:pat)? => { $($body:tt)* } $($rest:tt)*
    ) => {
        $crate::__select!(@parse $biased
            [$($case)* [$(-> $result =>)? $kind $(($($argument)*))? { $($body)* }]] $($rest)*)
    };
    (@parse $biased:tt [$($case:tt)*]
        $kind:ident $(($($argument:tt)*))? $(-> $result:pat)? => $body:expr, $($rest:tt)*
    ) => {
        $crate::__select!(@parse $biased
            [$($case)* [$(-> $result =>)? $kind $(($($argument)*))? { $body }]] $($rest)*)
    };
    (@parse $biased:tt [$($case:tt)*]
        $kind:ident $(($($argument:tt)*))? $(-> $result:pat)? => $body:expr
    ) => {
        $crate::__select!(@split $biased
            [$($case)* [$(-> $result =>)? $kind $(($($argument)*))? { $body }]])
    };
    (@parse $biased:tt [$($case:tt)*] $($rest:tt)+) => {
        $crate::__select!(@misplaced $($rest)+)
    };

    (@split $biased:tt [$([-> $($operation:tt)*])+]) => {
        $crate::__select!(@check $biased () [$([-> $($operation)*])+])
    };
    (@split $biased:tt
        [$([-> $($before:tt)*])* [default $(())? { $($body:tt)* }] $([-> $($after:tt)*])*]
    ) => {
        $crate::__select!(@check $biased (try_select() { $($body)* })
            [$([-> $($before)*])* $([-> $($after)*])*])
    };
    (@split $biased:tt
        [$([-> $($before:tt)*])* [default ($timeout:expr $(,)?) { $($body:tt)* }] $([-> $($after:tt)*])*]
    ) => {
        $crate::__select!(@check $biased (select_timeout($timeout) { $($body)* })
            [$([-> $($before)*])* $([-> $($after)*])*])
    };
    (@split $biased:tt [$($case:tt)+]) => {
        $crate::__select!(@diagnose $($case)+)
    };

    // Each operation is either of the two optional groups: what else the matcher would allow, `@parse` does not produce.
    (@check $biased:tt $default:tt [$([-> $result:pat =>
        $(recv($receiver:expr $(,)?))? $(send($sender:expr, $message:expr $(,)?))? { $($body:tt)* }
    ])*]) => {
        $crate::__select!(@label $biased $default [] [$([
            $(Receiver recv($receiver))? $(Sender send($sender, $message))? -> $result => { $($body)* }
        ])*])
    };
    (@check $biased:tt $default:tt [$($case:tt)*]) => {
        $crate::__select!(@diagnose $($case)*)
    };

    // Nothing to select from: a single receiver is asked directly. (Not so a sender, whose message must not be evaluated yet.)
    (@label $biased:tt (try_select() $default:tt) [] []) => {
        $default
    };
    (@label $biased:tt () [] [[Receiver recv($receiver:expr) -> $result:pat => $body:tt]]) => {
        match &$receiver {
            receiver => {
                let receiver: &$crate::Receiver<_> = receiver;
                let result = receiver.recv();
                let ($result) = result;
                $body
            }
        }
    };
    (@label $biased:tt (try_select() $default:tt) [] [[Receiver recv($receiver:expr) -> $result:pat => $body:tt]]) => {
        match &$receiver {
            receiver => {
                let receiver: &$crate::Receiver<_> = receiver;
                match receiver.try_recv() {
                    ::core::result::Result::Err($crate::TryRecvError::Empty) => $default,
                    received => {
                        let result = received.map_err(|_| $crate::RecvError);
                        let ($result) = result;
                        $body
                    }
                }
            }
        }
    };
    (@label $biased:tt (select_timeout($timeout:expr) $default:tt) []
        [[Receiver recv($receiver:expr) -> $result:pat => $body:tt]]
    ) => {
        match &$receiver {
            receiver => {
                let receiver: &$crate::Receiver<_> = receiver;
                match receiver.recv_timeout($timeout) {
                    ::core::result::Result::Err($crate::RecvTimeoutError::Timeout) => $default,
                    received => {
                        let result = received.map_err(|_| $crate::RecvError);
                        let ($result) = result;
                        $body
                    }
                }
            }
        }
    };
    (@label $biased:tt $default:tt [$($labelled:tt)*]
        [$a:tt $b:tt $c:tt $d:tt $e:tt $f:tt $g:tt $h:tt $($rest:tt)*]
    ) => {
        $crate::__select!(@label $biased $default
            [$($labelled)* [a $a] [b $b] [c $c] [d $d] [e $e] [f $f] [g $g] [h $h]] [$($rest)*])
    };
    (@label $biased:tt $default:tt [$($labelled:tt)*] [$a:tt $($rest:tt)*]) => {
        $crate::__select!(@label $biased $default [$($labelled)* [a $a]] [$($rest)*])
    };
    (@label $biased:tt $default:tt [$($labelled:tt)*] []) => {
        $crate::__select!(@expand $biased $default [$($labelled)*])
    };

    // The scrutinee keeps temporaries alive as long as the operations. References to references coerce afterwards: were the type
    // known inside, `if` and block expressions would have to be of it.
    (@expand $biased:tt $default:tt [$([$case:ident [
        $handle:ident $operation:ident($channel:expr $(, $message:expr)?) -> $result:pat => $body:tt
    ]])*]) => {
        match ($(&$channel,)*) {
            ($($case,)*) => {
                let mut select =
                    $crate::internal::select::<{ <[&::core::primitive::str]>::len(&[$(::core::stringify!($case)),*]) }>($biased);
                $(
                    let $case: &$crate::$handle<_> = $case;
                    let $case = (select.$operation($case), $case);
                )*
                $crate::__select!(@wait select $default
                    [$([$case $operation($($message)?) -> $result => $body])*])
            }
        }
    };

    (@wait $select:ident () $cases:tt) => {{
        let operation = $select.select();
        $crate::__select!(@commit $select operation $cases)
    }};
    (@wait $select:ident ($wait:ident $arguments:tt $default:tt) $cases:tt) => {{
        let outcome = $select.$wait $arguments;
        // Moved as a whole in both branches: what is left of it would borrow from the channels until the end of the bodies.
        if outcome.is_err() {
            ::core::mem::drop(outcome);
            ::core::mem::drop($select);
            $default
        } else {
            let operation = outcome.unwrap();
            $crate::__select!(@commit $select operation $cases)
        }
    }};

    (@commit $select:ident $selected:ident
        [$([$case:ident $operation:ident($($message:expr)?) -> $result:pat => $body:tt])*]
    ) => {
        $(if $selected.index() == $case.0 {
            let result = $selected.$operation($case.1 $(, $message)?);
            ::core::mem::drop($select);
            let ($result) = result;
            $body
        } else)* {
            ::core::unreachable!("a select ended with an operation that is none of its cases")
        }
    };

    // What is wrong with the first of these tokens, where `@parse` found no case.
    (@misplaced ; $($rest:tt)*) => {
        ::core::compile_error!("the cases of `select!` are separated by commas, not by semicolons")
    };
    (@misplaced $kind:ident $(($($argument:tt)*))? $(-> $result:pat)? => $body:expr; $($rest:tt)*) => {
        ::core::compile_error!("the cases of `select!` are separated by commas, not by semicolons")
    };
    (@misplaced $kind:ident $(($($argument:tt)*))? $(-> $result:pat)?) => {
        ::core::compile_error!(::core::concat!(
            "expected `=> body` at the end of the case `", ::core::stringify!($kind), "` of `select!`"))
    };
    (@misplaced $kind:ident $(($($argument:tt)*))? $(-> $result:pat)? => $(, $($rest:tt)*)?) => {
        ::core::compile_error!(::core::concat!(
            "expected an expression after the `=>` of the case `", ::core::stringify!($kind), "` of `select!`"))
    };
    (@misplaced $kind:ident $(($($argument:tt)*))? -> => $($rest:tt)*) => {
        ::core::compile_error!(::core::concat!(
            "expected a pattern for the result between the `->` and the `=>` of the case `", ::core::stringify!($kind),
            "` of `select!`; `_` ignores it"))
    };
    // A repetition may be followed by what an expression may not: the rest of the list.
    (@misplaced $($kind:ident $(($($argument:tt)*))? $(-> $result:pat)? => $body:expr $(,)?)+) => {
        $crate::__select!(@unseparated $([$body])+)
    };
    (@misplaced $kind:ident $(($($argument:tt)*))? $(-> $result:pat)? => $($rest:tt)+) => {
        ::core::compile_error!(::core::concat!(
            "expected `,` after the body of the case `", ::core::stringify!($kind),
            "` of `select!`; only a body that is a block in braces needs none"))
    };
    (@misplaced $kind:ident $(($($argument:tt)*))? -> $($rest:tt)*) => {
        ::core::compile_error!(::core::concat!(
            "expected a pattern that always matches, then `=> body`, after the `->` of the case `", ::core::stringify!($kind),
            "` of `select!`"))
    };
    (@misplaced $kind:ident($($argument:tt)*) $unexpected:tt $($rest:tt)*) => {
        ::core::compile_error!(::core::concat!(
            "expected `->` or `=>` after `", ::core::stringify!($kind), "(", ::core::stringify!($($argument)*),
            ")` in `select!`, found `", ::core::stringify!($unexpected), "`"))
    };
    (@misplaced $kind:ident $($rest:tt)*) => {
        ::core::compile_error!(::core::concat!(
            "expected `recv(receiver) -> result => body`, `send(sender, message) -> result => body`, `default => body` or ",
            "`default(timeout) => body` in `select!`; found a case that begins with `", ::core::stringify!($kind), "`"))
    };
    (@misplaced $unexpected:tt $($rest:tt)*) => {
        ::core::compile_error!(::core::concat!(
            "expected `recv`, `send` or `default` at the beginning of a case of `select!`, found `",
            ::core::stringify!($unexpected), "`"))
    };
    (@unseparated [$body:expr] $($rest:tt)*) => {
        ::core::compile_error!(::core::concat!(
            "expected `,` after `", ::core::stringify!($body),
            "` in `select!`; only a body that is a block in braces needs none"))
    };

    (@diagnose $([-> $($a:tt)*])* [default $($b:tt)*] $([-> $($c:tt)*])* [default $($d:tt)*] $($rest:tt)*) => {
        ::core::compile_error!("`select!` can have only one `default` case")
    };
    // `unreachable!` has any type, so that no error of types is added.
    (@diagnose $($case:tt)*) => {{
        $($crate::__select!(@fault $case);)*
        ::core::unreachable!()
    }};
    (@fault [-> $result:pat => recv($receiver:expr $(,)?) { $($body:tt)* }]) => {};
    (@fault [-> $result:pat => send($sender:expr, $message:expr $(,)?) { $($body:tt)* }]) => {};
    (@fault [default $(())? { $($body:tt)* }]) => {};
    (@fault [default($timeout:expr $(,)?) { $($body:tt)* }]) => {};
    (@fault [-> $result:pat => recv $(($($argument:tt)*))? { $($body:tt)* }]) => {
        ::core::compile_error!(::core::concat!(
            "a `recv` case of `select!` takes one argument: expected `recv(receiver)`, found `recv",
            $("(", ::core::stringify!($($argument)*), ")",)? "`"))
    };
    (@fault [-> $result:pat => send $(($($argument:tt)*))? { $($body:tt)* }]) => {
        ::core::compile_error!(::core::concat!(
            "a `send` case of `select!` takes two arguments: expected `send(sender, message)`, found `send",
            $("(", ::core::stringify!($($argument)*), ")",)? "`"))
    };
    (@fault [-> $result:pat => default $($rest:tt)*]) => {
        ::core::compile_error!("a `default` case of `select!` has no result: write `default => body` without `->`")
    };
    (@fault [default($($argument:tt)*) { $($body:tt)* }]) => {
        ::core::compile_error!(::core::concat!(
            "a `default` case of `select!` takes a timeout or nothing: expected `default` or `default(timeout)`, found `default(",
            ::core::stringify!($($argument)*), ")`"))
    };
    (@fault [recv $($rest:tt)*]) => {
        ::core::compile_error!(
            "a `recv` case of `select!` needs a pattern for its result: write `recv(receiver) -> result => body`")
    };
    (@fault [send $($rest:tt)*]) => {
        ::core::compile_error!(
            "a `send` case of `select!` needs a pattern for its result: write `send(sender, message) -> result => body`")
    };
    (@fault [$(-> $result:pat =>)? $kind:ident $($rest:tt)*]) => {
        ::core::compile_error!(::core::concat!(
            "expected `recv`, `send` or `default` at the beginning of a case of `select!`, found `",
            ::core::stringify!($kind), "`"))
    };
}
