"""What people see: every reply of the gateway as it arrives in a chat, drawn as a phone shows it."""
