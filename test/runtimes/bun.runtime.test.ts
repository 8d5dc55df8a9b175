import { expectConversations } from "./expect-conversations.ts";

expectConversations("bun");
