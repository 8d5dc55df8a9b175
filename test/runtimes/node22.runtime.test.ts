import { expectConversations } from "./expect-conversations.ts";

expectConversations("node22");
