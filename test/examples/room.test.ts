import { describe, expect, it } from "vitest";
import { type Outcome, Room } from "../../examples/chat/src/room.ts";

const NOW = 1_700_000_000_000;

/** A room in which somebody of each name is, their ids being 1, 2, 3... */
function roomWith(...names: string[]): Room {
  const room = new Room(() => NOW);
  for (const name of names) room.receive(room.enter().id, { type: "username", name });
  return room;
}

describe("Room", () => {
  it("gives each newcomer an id of its own", () => {
    const room = roomWith();
    expect(room.enter()).toEqual({ type: "id", id: 1 });
    expect(room.enter()).toEqual({ type: "id", id: 2 });
    room.leave(2);
    expect(room.enter()).toEqual({ type: "id", id: 3 });
  });

  it("tells all who has come, and that the list has changed", () => {
    const room = roomWith("Ana");
    const { id } = room.enter();
    expect(room.receive(id, { type: "username", name: "Bo" })).toEqual({
      deliveries: [{ to: "all", message: { type: "username", id, name: "Bo", date: NOW } }],
      usersChanged: true,
    });
    expect(room.userList()).toEqual({ type: "userlist", users: ["Ana", "Bo"] });
  });

  it("appends a number to a name that is taken, and tells its owner first", () => {
    const room = roomWith("Ana", "Ana1");
    const { id } = room.enter();
    expect(room.receive(id, { type: "username", name: "Ana" }).deliveries).toEqual([
      { to: id, message: { type: "rejectusername", id, name: "Ana2" } },
      { to: "all", message: { type: "username", id, name: "Ana2", date: NOW } },
    ]);
    expect(room.userList().users).toEqual(["Ana", "Ana1", "Ana2"]);
  });

  it.each(["__proto__", "constructor", "hasOwnProperty"])(
    "has %s for a name like any other",
    (name) => {
      const room = roomWith(name, name);
      expect(room.userList().users).toEqual([name, `${name}1`]);
      room.leave(1);
      expect(room.userList().users).toEqual([`${name}1`]);
    },
  );

  it("tells somebody whose name had to be tidied what it has become", () => {
    const room = roomWith();
    const { id } = room.enter();
    expect(room.receive(id, { type: "username", name: " \u202eAna " }).deliveries[0]).toEqual({
      to: id,
      message: { type: "rejectusername", id, name: "Ana" },
    });
  });

  it("frees the old name of somebody who takes another", () => {
    const room = roomWith("Ana", "Bo");
    expect(room.receive(1, { type: "username", name: "Cy" })).toEqual({
      deliveries: [
        {
          to: "all",
          message: { type: "username", id: 1, name: "Cy", date: NOW, previous: "Ana" },
        },
      ],
      usersChanged: true,
    });
    room.receive(2, { type: "username", name: "Ana" });
    expect(room.userList().users).toEqual(["Cy", "Ana"]);
  });

  it("lets somebody keep a name by asking for it again, which is no change of the list", () => {
    const room = roomWith("Ana");
    expect(room.receive(1, { type: "username", name: "Ana" })).toMatchObject({
      deliveries: [{ to: "all", message: { type: "username", name: "Ana" } }],
      usersChanged: false,
    });
  });

  it("passes a message on to all, under the name and the date that the server knows", () => {
    const room = roomWith("Ana", "Bo");
    expect(room.receive(2, { type: "message", text: "Hello", id: 1, date: 5 })).toEqual({
      deliveries: [
        { to: "all", message: { type: "message", id: 2, name: "Bo", text: "Hello", date: NOW } },
      ],
      usersChanged: false,
    });
  });

  it.each([
    ["Guest", []],
    ["Guest1", ["Guest"]],
  ])("makes a guest, %s, of somebody who speaks without having given a name", (name, others) => {
    const room = roomWith(...others);
    const { id } = room.enter();
    const { deliveries, usersChanged } = room.receive(id, { type: "message", text: "Hello" });
    expect(deliveries).toMatchObject([
      { to: id, message: { type: "rejectusername", name } },
      { to: "all", message: { type: "username", name } },
      { to: "all", message: { type: "message", name, text: "Hello" } },
    ]);
    expect(usersChanged).toBe(true);
  });

  it("takes those who have gone off the list, and frees their names", () => {
    const room = roomWith("Ana", "Bo");
    expect(room.leave(1)).toEqual({ deliveries: [], usersChanged: true });
    expect(room.userList().users).toEqual(["Bo"]);
    const { id } = room.enter();
    room.receive(id, { type: "username", name: "Ana" });
    expect(room.userList().users).toEqual(["Bo", "Ana"]);
  });

  it("does not tell of somebody who goes without having given a name", () => {
    const room = roomWith("Ana");
    const { id } = room.enter();
    expect(room.leave(id)).toEqual({ deliveries: [], usersChanged: false });
  });

  it("has nothing to do for those who are not there", () => {
    const room = roomWith("Ana");
    const nothing: Outcome = { deliveries: [], usersChanged: false };
    expect(room.leave(9)).toEqual(nothing);
    expect(room.receive(9, { type: "message", text: "Hello" })).toEqual(nothing);
    expect(room.receive(9, { type: "username", name: "Eve" })).toEqual(nothing);
  });

  describe("when a message comes twice", () => {
    const message = { type: "message", text: "Hello", messageId: "m1" } as const;

    it("tells only its sender again, with the date of the first time", () => {
      let now = NOW;
      const room = new Room(() => now);
      const first = room.enter().id;
      room.receive(first, { type: "username", name: "Ana" });
      const [{ message: passedOn }] = room.receive(first, message).deliveries;
      room.leave(first);

      now += 5_000;
      const second = room.enter().id;
      room.receive(second, { type: "username", name: "Ana" });
      expect(room.receive(second, message)).toEqual({
        deliveries: [{ to: second, message: passedOn }],
        usersChanged: false,
      });
      expect(passedOn).toMatchObject({ id: first, date: NOW, messageId: "m1" });
    });

    it("remembers the latest thousand", () => {
      const room = roomWith("Ana");
      const say = (messageId: string) =>
        room.receive(1, { ...message, messageId }).deliveries[0].to;
      for (let count = 0; count < 1_001; count++) expect(say(`m${count}`)).toBe("all");
      expect(say("m1")).toBe(1);
      expect(say("m0")).toBe("all");
    });
  });

  describe("when somebody comes again before the old connection is known to be dead", () => {
    it("gives the name to the new connection and drops the old one", () => {
      const room = roomWith();
      const old = room.enter().id;
      room.receive(old, { type: "username", name: "Ana", session: "secret" });
      const fresh = room.enter().id;
      expect(room.receive(fresh, { type: "username", name: "Ana", session: "secret" })).toEqual({
        deliveries: [
          { to: "all", message: { type: "username", id: fresh, name: "Ana", date: NOW } },
        ],
        usersChanged: true,
        replaced: old,
      });
      expect(room.userList().users).toEqual(["Ana"]);

      expect(room.leave(old)).toEqual({ deliveries: [], usersChanged: false });
      expect(room.userList().users).toEqual(["Ana"]);
    });

    it("can do so again and again", () => {
      const room = roomWith();
      for (let count = 1; count <= 4; count++) {
        const { id } = room.enter();
        const outcome = room.receive(id, { type: "username", name: "Ana", session: "secret" });
        expect(outcome.replaced).toBe(count === 1 ? undefined : id - 1);
        expect(room.userList().users).toEqual(["Ana"]);
      }
    });

    it("drops nobody who shows another session, and tells nobody's session to others", () => {
      const room = roomWith();
      const ana = room.enter().id;
      room.receive(ana, { type: "username", name: "Ana", session: "secret" });
      const eve = room.enter().id;
      const outcome = room.receive(eve, { type: "username", name: "Ana", session: "guess" });
      expect(outcome.replaced).toBeUndefined();
      expect(room.userList().users).toEqual(["Ana", "Ana1"]);
      expect(JSON.stringify(outcome)).not.toContain("guess");
      expect(JSON.stringify(room.receive(ana, { type: "message", text: "x" }))).not.toContain(
        "secret",
      );
    });
  });
});
