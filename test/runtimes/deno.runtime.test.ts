import { expectConversations } from "./expect-conversations.ts";

expectConversations("deno");
