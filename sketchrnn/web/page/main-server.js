import { startPage } from "./app.js";
import { ServerBackend } from "./backend-server.js";

startPage(new ServerBackend());
