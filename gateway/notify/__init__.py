"""Who is told of a handoff nobody takes, and who took it: ladders as rows, messages in chats, buttons pressed there."""
