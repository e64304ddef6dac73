#!/usr/bin/env escript
%% The Erlang side of the workloads. The protocol is described in src/side_process.rs, each workload in its Rust file.
-mode(compile).

main([Workload, Workers, Size]) ->
    Round = workload(Workload, list_to_integer(Workers), Size =:= "quick"),
    io:format("@side ready~n"),
    rounds(Round);
main(_) ->
    fail("usage: side.escript WORKLOAD WORKERS quick|full").

rounds(Round) ->
    case io:get_line("") of
        "round\n" ->
            Before = cpu_ms(),
            Figures = Round(),
            Numbers = [io_lib:format(" ~p", [Number]) || Number <- [cpu_ms() - Before | Figures]],
            io:format("@side figures~s~n", [Numbers]),
            rounds(Round);
        _ ->
            ok
    end.

fail(Why) ->
    io:format("@side failed ~s~n", [Why]),
    halt(1).

%% CPU time of all schedulers so far, in milliseconds.
cpu_ms() ->
    {Total, _} = erlang:statistics(runtime),
    Total.

%% Nanoseconds for each of Count since Begun.
each(Begun, Count) ->
    Took = erlang:monotonic_time(nanosecond) - Begun,
    [Took / Count].

now_ns() -> erlang:monotonic_time(nanosecond).

%% Fails unless a result is the expected one.
check(_, Same, Same) -> ok;
check(What, Found, Expected) -> fail(io_lib:format("wrong result: ~s is ~p, not ~p", [What, Found, Expected])).

pick(true, _, Quick) -> Quick;
pick(false, Full, _) -> Full.

times(0, _) -> ok;
times(Count, F) -> F(), times(Count - 1, F).

%% Runs F as a process and sends its result to the caller. Returns a tag to wait for.
spawned(F) ->
    Parent = self(),
    Tag = make_ref(),
    spawn(fun() -> Parent ! {Tag, F()} end),
    Tag.

joined(Tag) ->
    receive {Tag, Result} -> Result end.

workload("yield", Workers, Quick) ->
    Tasks = 2 * Workers,
    Yields = pick(Quick, 2000000, 200000) div Tasks,
    fun() ->
        Begun = now_ns(),
        Tags = [spawned(fun() -> times(Yields, fun erlang:yield/0) end) || _ <- lists:seq(1, Tasks)],
        lists:foreach(fun joined/1, Tags),
        each(Begun, Tasks * Yields)
    end;
workload("spawn-join", _, Quick) ->
    Tasks = pick(Quick, 500000, 50000),
    fun() ->
        Begun = now_ns(),
        Sum = spawn_join(0, Tasks, 0),
        check("the sum", Sum, Tasks * (Tasks - 1) div 2),
        each(Begun, Tasks)
    end;
workload("parked", _, Quick) ->
    Tasks = pick(Quick, 1000000, 50000),
    fun() ->
        Parent = self(),
        {Before, Begun} = {resident(), now_ns()},
        Stay = fun() -> Parent ! arrived, receive go -> Parent ! left end end,
        All = [spawn(Stay) || _ <- lists:seq(1, Tasks)],
        times(Tasks, fun() -> receive arrived -> ok end end),
        {Took, Grown} = {now_ns() - Begun, resident() - Before},
        [Task ! go || Task <- All],
        times(Tasks, fun() -> receive left -> ok end end),
        [Grown / Tasks, Took / 1.0e6]
    end;
workload("skynet", _, Quick) ->
    Leaves = pick(Quick, 1000000, 100000),
    fun() ->
        Begun = now_ns(),
        Sum = joined(spawned(fun() -> skynet(0, Leaves) end)),
        check("the sum of the leaves", Sum, Leaves * (Leaves - 1) div 2),
        [Ns] = each(Begun, 1),
        [Ns / 1.0e6]
    end;
workload("ping-pong", _, Quick) ->
    ping_pong(pick(Quick, 200000, 20000));
workload("savina-ping-pong", _, Quick) ->
    ping_pong(pick(Quick, 40000, 4000));
workload("savina-counting", _, Quick) ->
    Messages = pick(Quick, 1000000, 50000),
    fun() ->
        Begun = now_ns(),
        Counter = spawn(fun() -> count(0) end),
        Producer = spawned(fun() -> times(Messages, fun() -> Counter ! increment end) end),
        joined(Producer),
        Counter ! {retrieve, self()},
        check("the count", receive {count, Count} -> Count end, Messages),
        each(Begun, Messages)
    end;
workload("savina-fork-create", _, Quick) ->
    fork(pick(Quick, 40000, 2000), 1);
workload("savina-fork-throughput", _, Quick) ->
    fork(60, pick(Quick, 2000, 100));
workload("savina-thread-ring", _, Quick) ->
    Hops = pick(Quick, 100000, 10000),
    fun() ->
        Begun = now_ns(),
        Parent = self(),
        %% The last actor is made first and learns of the first one by a message.
        Last = spawn(fun() -> receive {next, Next} -> hop(Next, Parent, 0) end end),
        First = lists:foldl(fun(_, Next) -> spawn(fun() -> hop(Next, Parent, 0) end) end, Last, lists:seq(1, 99)),
        Last ! {next, First},
        First ! Hops,
        Seen = lists:sum([receive {seen, Count} -> Count end || _ <- lists:seq(1, 100)]),
        check("the number of hops", Seen, Hops),
        each(Begun, Hops)
    end;
workload(_, _, _) ->
    fail("no such workload").

spawn_join(Tasks, Tasks, Sum) -> Sum;
spawn_join(Number, Tasks, Sum) -> spawn_join(Number + 1, Tasks, Sum + joined(spawned(fun() -> Number end))).

skynet(First, 1) ->
    First;
skynet(First, Leaves) ->
    Part = Leaves div 10,
    Tags = [spawned(fun() -> skynet(First + Index * Part, Part) end) || Index <- lists:seq(0, 9)],
    lists:sum([joined(Tag) || Tag <- Tags]).

ping_pong(Trips) ->
    fun() ->
        Begun = now_ns(),
        Pong = spawn(fun pong/0),
        joined(spawned(fun() ->
            times(Trips, fun() -> Pong ! {ping, self()}, receive pong -> ok end end)
        end)),
        Pong ! stop,
        each(Begun, Trips)
    end.

pong() ->
    receive
        {ping, From} -> From ! pong, pong();
        stop -> ok
    end.

count(Count) ->
    receive
        increment -> count(Count + 1);
        {retrieve, From} -> From ! {count, Count}
    end.

fork(Actors, Messages) ->
    fun() ->
        Begun = now_ns(),
        Tags = [start_actor(Messages) || _ <- lists:seq(1, Actors)],
        times(Messages, fun() -> [Actor ! work || {Actor, _} <- Tags] end),
        lists:foreach(fun({_, Tag}) -> joined(Tag) end, Tags),
        each(Begun, Actors * Messages)
    end.

start_actor(Messages) ->
    Parent = self(),
    Tag = make_ref(),
    Work = fun() -> receive work -> 37.2 * math:sin(37.2) end end,
    {spawn(fun() -> times(Messages, Work), Parent ! {Tag, done} end), Tag}.

hop(Next, Parent, Seen) ->
    receive
        0 -> Next ! 0, Parent ! {seen, Seen};
        Left -> Next ! Left - 1, hop(Next, Parent, Seen + 1)
    end.

%% VmRSS and VmPTE in bytes.
resident() ->
    {ok, Status} = file:read_file("/proc/self/status"),
    Lines = string:split(Status, "\n", all),
    lists:sum([1024 * kilobytes(Line) || <<"Vm", _/binary>> = Line <- Lines]).

kilobytes(<<"VmRSS:", Rest/binary>>) -> number(Rest);
kilobytes(<<"VmPTE:", Rest/binary>>) -> number(Rest);
kilobytes(_) -> 0.

number(Text) ->
    [Number | _] = string:lexemes(Text, " \t"),
    binary_to_integer(Number).
