import Type from 'typebox';
import { defineEvent } from './event-definition.ts';
import { sessionId, userId } from './fields.ts';

const session = { user_id: userId, session_id: sessionId };

const message = Type.Object(
  {
    id: Type.Optional(Type.String({ description: 'Identifies the message.' })),
    content: Type.Optional(Type.String({ description: 'What the user wrote.' })),
    type: Type.Optional(Type.String({ description: 'Kind of content, such as text.' })),
    metadata: Type.Optional(
      Type.Object(
        {
          source: Type.Optional(Type.String({ description: 'Channel, such as web_chat.' })),
          user_agent: Type.Optional(Type.String({ description: "The user's browser or app, as it names itself." })),
          ip_address: Type.Optional(
            Type.String({ description: 'Where the user connected from: personal data in many countries.' }),
          ),
        },
        { description: 'How the message came in.' },
      ),
    ),
  },
  { description: 'The message.' },
);

const conversationContext = Type.Object(
  {
    message_count: Type.Optional(Type.Integer({ description: 'Messages in the session so far.' })),
    session_duration: Type.Optional(Type.Number({ description: 'Age of the session, in seconds.' })),
    previous_intents: Type.Optional(
      Type.Array(Type.String(), { description: 'What the user was found to want earlier, oldest first.' }),
    ),
  },
  { description: 'The conversation up to this moment.' },
);

export const userEvents = {
  'user.message.received': defineEvent({
    description: 'An end user has sent a message.',
    identifiers: ['user_id', 'session_id', 'message.id'],
    schema: Type.Object({ ...session, message, conversation_context: Type.Optional(conversationContext) }),
    sample: {
      user_id: 'user_67890',
      session_id: 'session_abcdef',
      message: {
        id: 'msg_123',
        content: 'Where is order #12345 right now?',
        type: 'text',
        metadata: {
          source: 'web_chat',
          user_agent: 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
          ip_address: '192.168.1.100',
        },
      },
      conversation_context: {
        message_count: 5,
        session_duration: 120,
        previous_intents: ['greeting', 'order_inquiry'],
      },
    },
  }),
  'user.session.started': defineEvent({
    description: 'An end user has begun a session.',
    identifiers: ['user_id', 'session_id'],
    schema: Type.Object(session),
    sample: { user_id: 'user_67890', session_id: 'session_abcdef' },
  }),
  'user.session.ended': defineEvent({
    description: "An end user's session is over.",
    identifiers: ['user_id', 'session_id'],
    schema: Type.Object({ ...session, conversation_context: Type.Optional(conversationContext) }),
    sample: {
      user_id: 'user_67890',
      session_id: 'session_abcdef',
      conversation_context: {
        message_count: 14,
        session_duration: 610,
        previous_intents: ['greeting', 'order_inquiry', 'thanks'],
      },
    },
  }),
};
