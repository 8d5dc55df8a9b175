// The page of index.browser.test.ts. It shows what each hook returns.
import { createElement, type FunctionComponent, type ReactNode, StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";
import { connect } from "../../src/browser/channels.ts";
import {
  useCall,
  useClient,
  useConnectionState,
  useMembers,
  useStream,
  useTopic,
} from "../../src/react/index.ts";
import type { contract } from "./contract.ts";

const show = (id: string, value: unknown): ReactNode =>
  createElement("output", { id, key: id }, JSON.stringify(value));

const Room: FunctionComponent = () => {
  const client = useClient(() =>
    connect<typeof contract>(`ws://${location.host}/api`, {
      auth: "token",
      initialDelayMs: 1,
      maxDelayMs: 1,
    }),
  );
  const state = useConnectionState(client);
  const topic = useTopic(client, "rooms/:room", { room: "tides" }, { last: 2 });
  const refused = useTopic(client, "rooms/:room", { room: "closed" });
  const members = useMembers(client, "rooms/:room", { room: "tides" });
  const stream = useStream(client, "count", { to: 3 });
  const { call, ...sum } = useCall(client, "add");
  return createElement(
    "main",
    null,
    show("state", state),
    show(
      "messages",
      topic.messages.map(({ data }) => data),
    ),
    show("refused", [refused.status, (refused.error as { code?: string } | undefined)?.code]),
    show(
      "members",
      members.members.map(({ id }) => id),
    ),
    show("stream", [stream.status, stream.items]),
    show("sum", [sum.status, sum.output]),
    createElement("button", { id: "add", onClick: () => void call({ a: 1, b: 2 }) }, "Add"),
    createElement(
      "button",
      {
        id: "enter",
        onClick: () => void client?.topic("rooms/:room", { room: "tides" }).enter(),
      },
      "Enter",
    ),
  );
};

const Page: FunctionComponent = () => {
  const [isOpen, setIsOpen] = useState(true);
  return createElement(
    "div",
    null,
    createElement("button", { id: "toggle", onClick: () => setIsOpen(!isOpen) }, "Open or close"),
    isOpen ? createElement(Room) : null,
  );
};

createRoot(document.querySelector("#root")!).render(
  createElement(StrictMode, null, createElement(Page)),
);
