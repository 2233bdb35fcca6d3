-- Wallets are moved by amounts, so payments that several gateways make from one wallet at the same time are
-- all written, as long as it holds enough for them: none has to be what another one read.

create function move_wallets(moves written_wallet[]) returns bigint
language plpgsql set enable_seqscan = off as $$
declare
    move written_wallet;
    moved bigint := 0;
begin
    -- One by one: each is found by its key, also by a plan that was made while the table was small,
    -- and they are locked in the order in which they come.
    foreach move in array moves loop
        update wallets as w set
            available = w.available + (move.available - move.available_before),
            held = w.held + (move.held - move.held_before),
            update_time = greatest(w.update_time, move.update_time)
        where w.owner_id = move.owner_id and w.currency = move.currency
            and w.available + (move.available - move.available_before) >= 0
            and w.held + (move.held - move.held_before) >= 0;
        if found then
            moved := moved + 1;
        end if;
    end loop;
    return moved;
end
$$;
comment on function move_wallets(written_wallet[]) is
    'Move wallets by what was decided, as far as they hold enough, and tell how many that was.';

revoke execute on function move_wallets(written_wallet[]) from public;
grant execute on function move_wallets(written_wallet[]) to gateway_runtime;
